"""One client of one node, over a bare socket: it costs nothing beside what is measured."""

from __future__ import annotations

import json
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.signing import APP_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT = 5.0
_HANDSHAKE = (
    f"GET /app/{APP_KEY}?protocol=7 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@contextmanager
def subscriber(port: int) -> Iterator[socket.socket]:
    """Connect a client."""
    with socket.create_connection(("127.0.0.1", port), _TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(_HANDSHAKE.encode())
        read_until(connection, b"connection_established")
        yield connection


def subscribe(connection: socket.socket, channel: str) -> None:
    """Subscribe to a channel, and wait until that is done."""
    _send(connection, "pusher:subscribe", channel)
    read_until(connection, b"subscription_succeeded")


def unsubscribe(connection: socket.socket, channel: str) -> None:
    """Leave a channel; nothing is answered to that."""
    _send(connection, "pusher:unsubscribe", channel)


def _send(connection: socket.socket, event: str, channel: str) -> None:
    text = json.dumps({"event": event, "data": {"channel": channel}}).encode()
    # A mask of zeros changes nothing.
    connection.sendall(bytes((0x81, 0x80 | len(text))) + bytes(4) + text)


def read_until(connection: socket.socket, mark: bytes) -> None:
    """Read until something was said, and no more is to come before the next request."""
    data = b""
    while mark not in data:
        data += connection.recv(65_536)
