"""What all HTTP connections of one listener share: limits, deadlines, and the headers of every response."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING

from uvicorn.server import ServerState

from server.listener.deadlines import Deadlines

if TYPE_CHECKING:
    from server.listener.deadlines import Clock
    from server.listener.http_protocol import HttpProtocol
    from server.listener.upgrade import UpgradeHandler

_CLOSE = (b"connection", b"close")


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one HTTP connection may cost. Durations are seconds."""

    max_header_bytes: int = 8192
    """Request line and headers (and trailers) together; servers and proxies commonly allow 8 KiB."""
    max_body_bytes: int = 1048576
    request_timeout: float = 10.0
    """From the connection, or a later request's first byte, to that request's last; also for taking a response."""
    keep_alive_timeout: float = 75.0
    """Longer than the 60 s after which load balancers drop idle connections: of the two, they must be first."""
    trusted_hops: int = 0
    """How many proxies stand in front, whose `X-Forwarded-For` and `-Proto` are believed."""


class ListenerState(ServerState):
    """One listener's part of uvicorn's state, and ours.

    Invariant: a connection is in `connections` from connection_made until it is lost or became a WebSocket; only then
    is it in `requests` or `idle`.
    """

    def __init__(self, limits: HttpLimits, on_upgrade: UpgradeHandler | None, clock: Clock) -> None:
        super().__init__()
        self.limits = limits
        self.on_upgrade = on_upgrade
        # Who is waited for, to finish a request or to take a response; and who rests between two requests.
        self.requests: Deadlines[HttpProtocol] = Deadlines(limits.request_timeout, _time_out, clock)
        self.idle: Deadlines[HttpProtocol] = Deadlines(limits.keep_alive_timeout, _time_out, clock)
        self.draining = False
        # How many requests were refused before an application saw them, by status.
        self.refused: Counter[int] = Counter()
        # Set once no new connection is served, even one that was accepted already.
        self.is_closed = False
        self._empty = asyncio.Event()
        self._second = 0

    def refresh_headers(self) -> None:
        """Bring `default_headers` up to date: Date (RFC 9110, 6.6.1), and while draining Connection: close.

        Called with each request, so that no timer ticks for it. The list is changed in place because responses that
        haven't begun refer to it.
        """
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._write_headers()

    def drain(self, draining: bool) -> None:
        """Have every response from now on end its connection, or no longer."""
        self.draining = draining
        self._second = int(time.time())
        self._write_headers()

    def forget(self, connection: HttpProtocol) -> None:
        """Let go of a connection that was lost or has become a WebSocket."""
        self.requests.stop(connection)
        self.idle.stop(connection)
        self.connections.discard(connection)
        if not self.connections:
            self._empty.set()

    async def wait_empty(self) -> None:
        """Return when no HTTP connection is left."""
        while self.connections:
            self._empty.clear()
            await self._empty.wait()

    def _write_headers(self) -> None:
        date = (b"date", formatdate(self._second, usegmt=True).encode("ascii"))
        self.default_headers[:] = [date, _CLOSE] if self.draining else [date]


def _time_out(connection: HttpProtocol) -> None:
    connection.waited_too_long()
