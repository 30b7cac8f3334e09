"""How long an event takes from the HTTP API of one node to a client of another."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, closing
from statistics import quantiles
from typing import TYPE_CHECKING

from bench.cluster.nodes import running_nodes
from bench.measure import Measure, told
from bench.signing import APP_KEY, publish_request

if TYPE_CHECKING:
    from bench.stage import Stage

_EVENTS = 1_000
_PAUSE = 0.005
_TIMEOUT = 5.0
_HANDSHAKE = (
    f"GET /app/{APP_KEY}?protocol=7 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def measure(stage: Stage) -> list[Measure]:
    """Publish one event after the other through the first node, and await each at the second."""
    with running_nodes(stage, 2) as cluster, ExitStack() as stack:
        here, there = (
            stack.enter_context(closing(socket.create_connection(("127.0.0.1", node.server.port), _TIMEOUT)))
            for node in cluster.nodes
        )
        _subscribe(there)
        taken = [_measure_one(here, there, number) for number in range(_EVENTS)]
    hundredths = quantiles(taken, n=100)
    return [
        told("API of one node to client of another, p50", hundredths[49], "ms"),
        told("  p99", hundredths[98], "ms", max_ms=max(taken)),
    ]


def _subscribe(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(_HANDSHAKE.encode())
    _read_until(connection, b"connection_established")
    text = b'{"event":"pusher:subscribe","data":{"channel":"bench"}}'
    # A mask of zeros changes nothing.
    connection.sendall(bytes((0x81, 0x80 | len(text))) + bytes(4) + text)
    _read_until(connection, b"subscription_succeeded")


def _measure_one(here: socket.socket, there: socket.socket, number: int) -> float:
    """Return the milliseconds from sending a request to having read the event."""
    mark = f"#{number:08d}"
    request = publish_request("bench", mark).encode()
    started = time.perf_counter()
    here.sendall(request)
    _read_until(there, mark.encode())
    taken = time.perf_counter() - started
    _read_until(here, b"{}")
    time.sleep(_PAUSE)
    return taken * 1e3


def _read_until(connection: socket.socket, mark: bytes) -> None:
    """Read until something was said, and no more is to come before the next request."""
    data = b""
    while mark not in data:
        data += connection.recv(65_536)
