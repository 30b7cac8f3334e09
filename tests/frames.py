"""WebSocket frames as a client writes them, and as none would: every field can be wrong."""

from __future__ import annotations

import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


def frame(
    payload: bytes, opcode: int = TEXT, *, fin: bool = True, mask: bytes | None = b"\x01\x02\x03\x04", reserved: int = 0
) -> bytes:
    """Return one frame (RFC 6455, 5.2).

    :param mask: four bytes; None for an unmasked frame, as a client must not send it.
    :param reserved: the three reserved bits as a number.
    """
    first = fin << 7 | reserved << 4 | opcode
    if mask is None:
        return bytes([first]) + _length(len(payload), 0) + payload
    return bytes([first]) + _length(len(payload), 0x80) + mask + _masked(payload, mask)


def close_frame(code: int = 1000, reason: str = "") -> bytes:
    return frame(struct.pack("!H", code) + reason.encode(), CLOSE)


def _length(size: int, mask_bit: int) -> bytes:
    if size < 126:
        return bytes([mask_bit | size])
    if size < 65536:
        return struct.pack("!BH", mask_bit | 126, size)
    return struct.pack("!BQ", mask_bit | 127, size)


def _masked(payload: bytes, mask: bytes) -> bytes:
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(len(payload))
