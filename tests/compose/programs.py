"""Programs and packages that some tests need: without them they are skipped, but fail where CI is set."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def needed_program(name: str, package: str) -> str:
    """Return the path of a program; skip the test without it.

    :param package: Debian's package that has it.
    """
    # Debian keeps HAProxy where only root's PATH looks.
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if path is None:
        _go_without(f"no {name}: apt-get install {package}")
    return path


def needed_module(name: str, package: str) -> ModuleType:
    """Import a module; skip the test without it, since some packages have no wheel for every platform."""
    try:
        return importlib.import_module(name)
    except ImportError:
        _go_without(f"no module {name}: pip install {package}")


def output_of(*command: str | Path, timeout: float = 60.0) -> str:
    """Run a command and return what it wrote; fail, with that, if it exits with an error."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    written = done.stdout + done.stderr
    assert done.returncode == 0, written
    return written


def _go_without(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
