"""JSON as it comes from strangers: bounded in depth, free of lone surrogates, valid UTF-8, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from server.protocol.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH = 32

_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()

encode = _encoder.encode


def decode(raw: bytes | bytearray | str, *, max_depth: int = MAX_DEPTH) -> Any:
    """Return the value that `raw` stands for.

    :raises Malformed: if it isn't JSON, isn't UTF-8, has lone surrogates, or nests deeper than `max_depth`.
    """
    try:
        value = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeError) as exc:
        raise Malformed(f"invalid JSON: {str(exc).removeprefix('JSON is malformed: ')}") from exc
    except RecursionError as exc:
        raise Malformed(f"JSON nests deeper than {max_depth} levels") from exc
    # There are at least as many opening brackets as levels: nearly every message is through with this.
    if _count_openers(raw) > max_depth and not _is_within(value, max_depth):
        raise Malformed(f"JSON nests deeper than {max_depth} levels")
    return value


def _count_openers(raw: bytes | bytearray | str) -> int:
    if isinstance(raw, str):
        return raw.count("{") + raw.count("[")
    return raw.count(b"{") + raw.count(b"[")


def _is_within(value: object, depth: int) -> bool:
    """Look at one level after the other: a recursion would end before the deepest nesting that can be allowed."""
    level = [value]
    for _ in range(depth):
        level = [child for item in level for child in _children(item)]
        if not level:
            return True
    return not any(isinstance(item, dict | list) for item in level)


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
