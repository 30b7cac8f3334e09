"""A WebSocket client without manners: writes any bytes, and reads what comes back frame by frame."""

from __future__ import annotations

import json
import socket
import struct
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tests.harness.node import RunningNode

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

_REQUEST = (
    b"GET /app/k?protocol=7 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def frame(payload: bytes, opcode: int = TEXT, *, fin: bool = True) -> bytes:
    """Return a client's frame, masked with zeros."""
    head, size = (0x80 if fin else 0) | opcode, len(payload)
    if size < 126:
        start = struct.pack("!BB", head, 0x80 | size)
    elif size < 65536:
        start = struct.pack("!BBH", head, 0x80 | 126, size)
    else:
        start = struct.pack("!BBQ", head, 0x80 | 127, size)
    return start + bytes(4) + payload


class Wire:
    """One connection that has been established."""

    def __init__(self, node: RunningNode) -> None:
        self._socket = socket.create_connection((node.host, node.port), timeout=20)
        self._buffer = b""
        self._socket.sendall(_REQUEST)
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        self._buffer = self._buffer.partition(b"\r\n\r\n")[2]
        opcode, hello = self.read()
        assert opcode == TEXT, hello
        assert b"connection_established" in hello
        self.socket_id = str(json.loads(json.loads(hello)["data"])["socket_id"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def finish(self) -> None:
        """Say nothing more, and go on reading."""
        self._socket.shutdown(socket.SHUT_WR)

    def read(self) -> tuple[int, bytes]:
        """Return the next frame's opcode and payload.

        :raises EOFError: if there is none any more.
        """
        while (end := self._end_of_frame()) is None:
            self._receive()
        start, stop = end
        opcode, payload = self._buffer[0] & 0x0F, self._buffer[start:stop]
        self._buffer = self._buffer[stop:]
        return opcode, payload

    def _end_of_frame(self) -> tuple[int, int] | None:
        if len(self._buffer) < 2:
            return None
        size, start = self._buffer[1] & 0x7F, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            start += width
            if len(self._buffer) < start:
                return None
            size = int.from_bytes(self._buffer[2:start], "big")
        return (start, start + size) if len(self._buffer) >= start + size else None

    def _receive(self) -> None:
        try:
            data = self._socket.recv(1 << 18)
        except ConnectionResetError as exc:
            raise EOFError from exc
        if not data:
            raise EOFError
        self._buffer += data
