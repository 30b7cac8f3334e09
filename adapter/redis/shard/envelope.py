"""What nodes tell each other: a msgpack array ``[version, position, kind, first, second]``.

The node that writes packs the last three (the *tail*); the script in Redis puts version and position in front, since it
alone knows the position. Two releases run side by side in a rolling deploy, so each reads its own version and both
neighbours; a next version may add fields behind these five, and nothing else.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgpack

VERSION = 1
"""The version that is written, by scripts/_write.lua."""
READABLE = (VERSION - 1, VERSION, VERSION + 1)


class Kind(IntEnum):
    """What the two fields are."""

    MESSAGE = 1
    """Sender, payload."""
    JOINED = 2
    """User, info."""
    LEFT = 3
    """User."""
    OCCUPIED = 4
    VACATED = 5
    COUNTED = 6
    """Total."""
    TERMINATED = 7
    """Time of the cluster in seconds."""
    LOOK = 8
    """Something has changed that was not told: the topic has to be read again."""


Tail = tuple[int, Any, Any]

# An array of three begins with this byte; what stands behind it can be put behind another beginning.
_THREE = b"\x93"
_pack = msgpack.Packer(autoreset=True).pack


class Unreadable(Exception):
    """Bytes of another version, or no envelope at all."""


def tail(kind: Kind, first: object = None, second: object = None) -> bytes:
    """Return the end of an envelope."""
    packed: bytes = _pack((int(kind), first, second))
    return packed[1:]


def opening(kind: Kind) -> bytes:
    """Return how the tail of a `kind` begins, for scripts that complete it."""
    packed: bytes = _pack((int(kind),))
    return packed[1:]


def read_tail(data: bytes) -> Tail:
    """Return kind and fields of a tail; what a later version has put behind them is left alone."""
    unpacker = msgpack.Unpacker()
    unpacker.feed(_THREE + data)
    kind, first, second = unpacker.unpack()
    return kind, first, second


def read(data: bytes) -> tuple[int, int, Any, Any]:
    """Return position, kind and fields of an envelope.

    :raises Unreadable: if it isn't one, or of a version that this release doesn't know.
    """
    try:
        version, position, kind, first, second, *_ = msgpack.unpackb(data)
    except (ValueError, TypeError, msgpack.UnpackException) as exc:
        raise Unreadable(f"no envelope: {data[:32]!r}") from exc
    if version not in READABLE or not isinstance(position, int):
        raise Unreadable(f"an envelope of version {version!r}, this release reads {READABLE}")
    return position, kind, first, second
