"""The least of a WebSocket client: text frames in and out, for hundreds of connections in one test.

It leaves out whatever Shoal's nodes don't do: fragments, binary frames, extensions, pings of WebSocket.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import Future, Transport
    from collections.abc import Callable

_TEXT, _CLOSE = 0x81, 0x88
# Frames of clients must be masked; nothing says that the mask may not be zeros, which change nothing.
_MASK = bytes(4)
ABNORMAL = 1006


class Wire(asyncio.Protocol):
    """One connection, opened by :func:`open_wire`.

    :param on_text: called with each text frame.
    """

    def __init__(self, request: bytes, on_text: Callable[[bytes], None]) -> None:
        self._request = request
        self._on_text = on_text
        self._buffer = b""
        self._is_upgraded = False
        # Done with the code of the end, by whom it ever came: of the server's close frame, 1006 without one.
        self.closed: Future[int] = asyncio.get_running_loop().create_future()
        self._code = ABNORMAL

    # Sending

    def send(self, text: str) -> None:
        """Send a text frame; once closed this does nothing."""
        self._send_frame(_TEXT, text.encode())

    def close(self) -> None:
        """Leave with a clean close; what comes after it is still taken in."""
        self._send_frame(_CLOSE, struct.pack(">H", 1000))

    def drop(self) -> None:
        """Cut the connection without a word."""
        self._transport.abort()

    def _send_frame(self, kind: int, payload: bytes) -> None:
        length = len(payload)
        head = bytes((kind, 0x80 | length)) if length < 126 else struct.pack(">BBH", kind, 0x80 | 126, length)
        self._transport.write(head + _MASK + payload)

    # Receiving

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Transport = transport  # type: ignore[assignment]
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_upgraded:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            assert b" 101 " in head.splitlines()[0], head
            self._is_upgraded, self._buffer = True, rest
        self._read_frames()

    def _read_frames(self) -> None:
        buffer, start = self._buffer, 0
        while len(buffer) - start >= 2:
            kind, length = buffer[start], buffer[start + 1]
            head = start + 2
            if length == 126:
                length, head = int.from_bytes(buffer[head : head + 2]), head + 2
            elif length == 127:
                length, head = int.from_bytes(buffer[head : head + 8]), head + 8
            if len(buffer) < head + length:
                break
            self._received(kind, buffer[head : head + length])
            start = head + length
        self._buffer = buffer[start:]

    def _received(self, kind: int, payload: bytes) -> None:
        if kind == _TEXT:
            self._on_text(payload)
        elif kind == _CLOSE:
            self._code = int.from_bytes(payload[:2]) if payload else 1005
            self._send_frame(_CLOSE, payload[:2])
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(self._code)


async def open_wire(host: str, port: int, path: str, on_text: Callable[[bytes], None]) -> Wire:
    """Connect and ask for the upgrade; the answer to that, and what follows, comes by and by."""
    key = base64.b64encode(os.urandom(16)).decode()
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    _, wire = await asyncio.get_running_loop().create_connection(lambda: Wire(request.encode(), on_text), host, port)
    return wire
