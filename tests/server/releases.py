"""Other releases, made from this one: each writes the format of its own, and runs beside this one as a process."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from adapter.redis.shard.envelope import VERSION
from tests.harness.node import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def make_release(folder: Path, steps: int) -> Path:
    """Copy this release, so many versions of the format ahead of it (or behind it); return its folder.

    It writes a field more than this one does, as a next version may.
    """
    for package in ("server", "adapter"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    version = VERSION + steps
    _edit(folder / "adapter/redis/shard/envelope.py", f"VERSION = {VERSION}\n", f"VERSION = {version}\n")
    _edit(
        folder / "adapter/redis/scripts/_write.lua",
        rf"'\149\{VERSION}\207' .. struct.pack('>I8', seq) .. tail",
        rf"'\150\{version % 256}\207' .. struct.pack('>I8', seq) .. tail .. '\163new'",
    )
    (folder / "server/__init__.py").write_text(f'__version__ = "{steps:+d}"\n', encoding="utf-8")
    return folder


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path} has changed: {old}"
    path.write_text(text.replace(old, new), encoding="utf-8")
