"""Logs: one record a line, as JSON for machines or as text for people.

Whatever a client sent may end up in a record, so nothing in it can end the line, move the cursor of a terminal, or
turn the direction of what follows.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TextIO

# Control characters, line and paragraph separators, overrides of direction, and halves of characters.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_WORD = re.compile(r"[^\s=\"']+")
_encode = json.JSONEncoder(default=str).encode

# What each record has by itself; everything else was passed as `extra`. uvicorn repeats its messages in colour.
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"asctime", "message", "color_message", "taskName"}


def configure_logging(level: str, format: str, stream: TextIO | None = None) -> None:  # noqa: A002 - as the setting
    """Send all records of at least `level` to `stream`, replacing what was configured before.

    :param format: ``json``, ``human``, or ``auto`` for human on a terminal and JSON elsewhere.
    :param stream: standard error if None.
    """
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    is_human = format == "human" or (format == "auto" and stream.isatty())
    handler.setFormatter(HumanFormatter() if is_human else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _adopt_uvicorn()
    _gather_less()


def _gather_less() -> None:
    """Spare each record what no format of ours shows; above all the search for the line that logged it."""
    logging._srcfile = None
    for switch in ("logThreads", "logProcesses", "logMultiprocessing", "logAsyncioTasks"):
        setattr(logging, switch, False)


def _adopt_uvicorn() -> None:
    """Let uvicorn's records come to us; a line a request is what metrics are for."""
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True


def escape_control(text: str) -> str:
    r"""Return the text on one line, with unsafe characters written as in Python: ``\n``, ``\x1b``, ``\u2028``."""
    return _UNSAFE.sub(lambda match: match.group().encode("unicode_escape", "surrogatepass").decode("ascii"), text)


class JsonFormatter(logging.Formatter):
    """One object a line: time, level, logger, message, then the record's extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, pure ASCII; an extra field can't replace one of ours."""
        line: dict[str, Any] = {
            "time": _time(record, separator="T"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        for key, value in _extra(record).items():
            line.setdefault(key, value)
        return _encode(line).replace("\x7f", "\\u007f")


class HumanFormatter(logging.Formatter):
    """A line of text; a traceback follows indented, so that it can't pass for a record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and those of the traceback if there is one."""
        extra = "".join(f" {key}={_word(value)}" for key, value in _extra(record).items())
        text = f"{_time(record, separator=' ')} {record.levelname:<7} {record.name}: {record.getMessage()}{extra}"
        return escape_control(text) + self._traceback(record)

    def _traceback(self, record: logging.LogRecord) -> str:
        if not record.exc_info:
            return ""
        lines = self.formatException(record.exc_info).split("\n")
        return "".join(f"\n    {escape_control(line)}" for line in lines)


def _time(record: logging.LogRecord, *, separator: str) -> str:
    return f"{_second(int(record.created), separator)}.{int(record.msecs):03}Z"


@lru_cache(maxsize=4)
def _second(timestamp: int, separator: str) -> str:
    """Kept, since thousands of records may fall into one second."""
    return datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None).isoformat(separator)


def _word(value: object) -> str:
    """Quote what isn't a single word, lest a value with a space pass for two fields."""
    text = str(value)
    return text if _WORD.fullmatch(text) else repr(text)


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
