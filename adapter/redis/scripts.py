"""The Lua scripts, one a file in ``scripts/``, each with its KEYS, ARGV and answer on top.

All are atomic, and safe to be run again: writes because they are numbered (``_write.lua``), the others because they
state what is to be (but for take.lua, which says so). Each declares every key it touches, reads before it writes, and
touches no key after a write that may have removed it, since a script that fails half-way isn't rolled back.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha1
from pathlib import Path

_FOLDER = Path(__file__).parent / "scripts"

# What is put in front of which script.
_BEGINNINGS = {
    "publish": ("_write",),
    "enter": ("_write", "_entry", "_outbox"),
    "leave": ("_write", "_outbox"),
    "count": ("_write", "_outbox"),
    "notify": ("_write", "_outbox"),
    "ripen": ("_outbox",),
    "take": ("_outbox",),
    "postpone": ("_outbox",),
    "bury": ("_outbox",),
    "retry": ("_outbox",),
    "terminate": ("_write",),
    "look": ("_entry",),
}

NAMES = tuple(sorted(path.stem for path in _FOLDER.glob("[a-z]*.lua")))


class Scripts:
    """The scripts as one kind of server wants them.

    :param sharded: publish to sharded channels, as Redis Cluster does.
    """

    def __init__(self, *, sharded: bool) -> None:
        self.is_sharded = sharded
        publish = "SPUBLISH" if sharded else "PUBLISH"
        self.sources = {name: _source(name, publish) for name in NAMES}
        # By name, what EVALSHA wants.
        self.digests = {
            name: sha1(source, usedforsecurity=False).hexdigest().encode() for name, source in self.sources.items()
        }


@cache
def _source(name: str, publish: str) -> bytes:
    parts = [f"local PUBLISH = '{publish}'\n"]
    parts += [_read(part) for part in (*_BEGINNINGS.get(name, ()), name)]
    return "".join(parts).encode()


@cache
def _read(name: str) -> str:
    return (_FOLDER / f"{name}.lua").read_text(encoding="utf-8")
