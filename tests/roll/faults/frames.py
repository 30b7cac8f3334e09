"""A server's WebSocket stream cut into its frames, and small frames made anew. Sans-I/O."""

from __future__ import annotations

import struct

TEXT, CLOSE = 1, 8
_HEAD_END = b"\r\n\r\n"


class FrameCutter:
    """Takes in what a server sends, the answer to the handshake first; gives back whole pieces."""

    def __init__(self) -> None:
        self._rest = b""
        # The answer to the handshake, once it is whole.
        self.head = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that are complete now."""
        self._rest += data
        if not self.head:
            head, end, rest = self._rest.partition(_HEAD_END)
            if not end:
                return []
            self.head, self._rest = head + end, rest
        frames = []
        while (length := _frame_length(self._rest)) and len(self._rest) >= length:
            frames.append(self._rest[:length])
            self._rest = self._rest[length:]
        return frames


def _frame_length(data: bytes) -> int:
    """Return how long the frame is that begins here, 0 if that isn't known yet. Servers don't mask."""
    if len(data) < 10 and (len(data) < 2 or len(data) < _head_length(data[1])):
        return 0
    head, length = _head_length(data[1]), data[1]
    if length == 126:
        (length,) = struct.unpack_from(">H", data, 2)
    elif length == 127:
        (length,) = struct.unpack_from(">Q", data, 2)
    return head + length


def _head_length(short_length: int) -> int:
    return {126: 4, 127: 10}.get(short_length, 2)


def opcode(frame: bytes) -> int:
    return frame[0] & 0x0F


def close_code(frame: bytes) -> int | None:
    """Return the code of a close frame; None if it is another."""
    return int.from_bytes(frame[2:4], "big") if opcode(frame) == CLOSE else None


def close_frame(code: int) -> bytes:
    return bytes((0x80 | CLOSE, 2)) + struct.pack(">H", code)


def text_frame(text: str) -> bytes:
    """Return a text frame of up to 65,535 bytes."""
    payload = text.encode()
    length = bytes((len(payload),)) if len(payload) < 126 else b"\x7e" + struct.pack(">H", len(payload))
    return bytes((0x80 | TEXT,)) + length + payload


def text_of(frame: bytes) -> str:
    """Return what a text frame says."""
    return frame[_head_length(frame[1]) :].decode()
