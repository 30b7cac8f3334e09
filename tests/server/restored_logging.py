"""The process's logging, put back as it was after a test that configures it."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SWITCHES = ("_srcfile", "logThreads", "logProcesses", "logMultiprocessing", "logAsyncioTasks")
_LOGGERS = ("", "uvicorn", "uvicorn.error", "uvicorn.access")


@contextmanager
def restored_logging() -> Iterator[None]:
    """Let the block configure logging as it likes."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger, logger.handlers[:], logger.level, logger.propagate, logger.disabled) for logger in loggers]
    switches = {name: getattr(logging, name) for name in _SWITCHES if hasattr(logging, name)}
    try:
        yield
    finally:
        for logger, handlers, level, propagate, disabled in before:
            logger.handlers[:], logger.propagate, logger.disabled = handlers, propagate, disabled
            logger.setLevel(level)
        for name, value in switches.items():
            setattr(logging, name, value)
