"""The npm packages that the tests with JavaScript clients need: installed as the lock file says, once."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
_OLDEST_NODE = 20
_NEEDED = f"Node {_OLDEST_NODE} or later"
_INSTALL_TIMEOUT = 300.0


class Missing(Exception):
    """Something is not there without which JavaScript clients can't be run; the message says what."""


def require_packages() -> None:
    """Make sure that there is a Node, and the packages; what is installed already is used without a network.

    :raises Missing: if not.
    """
    _check_node()
    if _installed() != _locked():
        _install()


def require_or_skip() -> None:
    """Have a test wait for them, or skip it; but CI must have run everything, so there it fails."""
    try:
        require_packages()
    except Missing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


def _check_node() -> None:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Missing(f"{program} is not installed: the tests with JavaScript clients need {_NEEDED}")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(re.findall(r"\d+", version)[0]) < _OLDEST_NODE:
        raise Missing(f"Node is {version}: the tests with JavaScript clients need {_NEEDED}")


def _install() -> None:
    done = subprocess.run(["npm", "ci"], cwd=HERE, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT)
    if done.returncode != 0:
        raise Missing(f"the npm packages are not installed, and can't be: {done.stderr.strip()[-500:]}")


def _locked() -> dict[str, str]:
    return _versions(HERE / "package-lock.json")


def _installed() -> dict[str, str]:
    """Return what npm noted when it installed; nothing if it never did."""
    path = HERE / "node_modules" / ".package-lock.json"
    return _versions(path) if path.exists() else {}


def _versions(path: Path) -> dict[str, str]:
    packages: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["packages"]
    # The empty path is the project itself.
    return {where: package["version"] for where, package in packages.items() if where}
