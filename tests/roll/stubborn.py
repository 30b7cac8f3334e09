"""Clients that don't take part when they are told to go: one reads nothing, one doesn't answer the close frame."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.roll.faults.frames import FrameCutter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHANNEL = "flood"
_HANDSHAKE = (
    "GET /app/{key}?protocol=7 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_SUBSCRIBE = f'{{"event":"pusher:subscribe","data":{{"channel":"{CHANNEL}"}}}}'.encode()
_SMALL = 4_096
"""As much as the system takes in for the client that doesn't read."""


@asynccontextmanager
async def stubborn_clients(port: int, key: str) -> AsyncIterator[None]:
    """Have both of them on a node."""
    deaf, mute = await _subscribed(port, key), await _subscribed(port, key)
    reading = asyncio.create_task(_read_all(mute))
    try:
        yield
    finally:
        reading.cancel()
        for client in (deaf, mute):
            client.close()


async def _subscribed(port: int, key: str) -> socket.socket:
    """Return a connection that is subscribed; from now on nothing is read unless somebody does."""
    loop = asyncio.get_running_loop()
    client = socket.socket()
    client.setblocking(False)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
    await loop.sock_connect(client, ("127.0.0.1", port))
    await loop.sock_sendall(client, _HANDSHAKE.format(key=key).encode())
    cutter, frames = FrameCutter(), list[bytes]()
    while not frames:
        frames += cutter.feed(await loop.sock_recv(client, _SMALL))
    # A masked text frame whose mask is zeros, which change nothing.
    await loop.sock_sendall(client, bytes((0x81, 0x80 | len(_SUBSCRIBE))) + bytes(4) + _SUBSCRIBE)
    while not any(b"subscription_succeeded" in frame for frame in frames):
        frames += cutter.feed(await loop.sock_recv(client, _SMALL))
    return client


async def _read_all(client: socket.socket) -> None:
    """Read until there is no more; not even the end is answered with an end."""
    loop = asyncio.get_running_loop()
    while await loop.sock_recv(client, 65_536):
        pass
