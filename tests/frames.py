"""WebSocket frames as a client writes them, and as none would: every field can be wrong; and as a client reads them."""

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


def split(data: bytes | bytearray | memoryview) -> tuple[list[tuple[int, bytes]], int]:
    """Return the whole frames of a server at the beginning of `data`, as (opcode, payload), and where they end."""
    found, start = [], 0
    while (header := _header(data, start)) is not None:
        opcode, begin, end = header
        found.append((opcode, bytes(data[begin:end])))
        start = end
    return found, start


def _header(data: bytes | bytearray | memoryview, start: int) -> tuple[int, int, int] | None:
    """Return the opcode of the frame at `start`, and where its payload begins and ends; None if it isn't whole."""
    if len(data) < start + 2:
        return None
    first, size, begin = data[start], data[start + 1], start + 2
    assert first & 0xF0 == 0x80, "a server of ours sends whole messages, uncompressed"
    assert size < 0x80, "a server must not mask"
    if size > 125:
        begin = start + (4 if size == 126 else 10)
        size = int.from_bytes(data[start + 2 : begin])
    return (first & 0xF, begin, begin + size) if len(data) >= begin + size else None


def _length(size: int, mask_bit: int) -> bytes:
    if size < 126:
        return bytes([mask_bit | size])
    if size < 65536:
        return struct.pack("!BH", mask_bit | 126, size)
    return struct.pack("!BQ", mask_bit | 127, size)


def _masked(payload: bytes, mask: bytes) -> bytes:
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(len(payload))
