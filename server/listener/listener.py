"""One listening port (or Unix socket) for HTTP and WebSockets.

HTTP requests go to an ASGI application, WebSockets to a handler. Any number of listeners share a process and its
event loop. uvicorn's own server is not used: it takes SIGTERM for itself, ends the process when a port is in use, and
polls ten times a second. What remains of it is its HTTP protocol and the configuration that this needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from uvicorn.config import Config

from server.listener import endpoint
from server.listener.http_protocol import HttpProtocol
from server.listener.state import HttpLimits, ListenerState

if TYPE_CHECKING:
    import socket
    import ssl
    from collections import Counter
    from pathlib import Path

    from uvicorn._types import ASGI3Application

    from server.listener.upgrade import UpgradeHandler

logger = logging.getLogger(__name__)

_LAST_MOMENT = 1.0
"""Seconds for requests that were cut off to end, before nobody waits for them any more."""


class Listener:
    """Accepts connections between :meth:`start` and :meth:`stop`.

    Exactly one of `host` and `port`, or `unix_socket`, says where. Without `on_upgrade` all is HTTP.
    """

    def __init__(
        self,
        asgi_app: ASGI3Application,
        *,
        on_upgrade: UpgradeHandler | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        unix_socket: Path | None = None,
        tls: ssl.SSLContext | None = None,
        backlog: int = 4096,
        limits: HttpLimits | None = None,
    ) -> None:
        self._config = uvicorn_config(asgi_app)
        self._on_upgrade = on_upgrade
        self._limits = limits or HttpLimits()
        self._host, self._port = host, port
        self._unix_socket = unix_socket
        self._tls = tls
        self._backlog = backlog
        # None before start.
        self._state: ListenerState | None = None
        self._servers: list[asyncio.Server] = []
        # Of the Unix socket's file, by which we know on stop that it is still ours.
        self._inode = 0

    @property
    def port(self) -> int:
        """The TCP port, also where 0 was asked for; 0 on a Unix socket."""
        return 0 if self._unix_socket else self._port

    @property
    def address(self) -> str:
        """Where it listens, for people: `127.0.0.1:6001` or `unix:/run/shoal.sock`."""
        return f"unix:{self._unix_socket}" if self._unix_socket else endpoint.address_text(self._host, self._port)

    @property
    def connections(self) -> int:
        """How many HTTP connections are open; what became a WebSocket isn't one."""
        return len(self._running.connections)

    @property
    def refused(self) -> Counter[int]:
        """How many requests were refused before the application saw them, by status."""
        return self._running.refused

    @property
    def draining(self) -> bool:
        """While true, every HTTP response ends its connection, so that clients go elsewhere for the next request."""
        return self._running.draining

    @draining.setter
    def draining(self, draining: bool) -> None:
        self._running.drain(draining)

    async def start(self) -> None:
        """Listen. Raises :exc:`ListenError`, after which nothing is left open."""
        loop = asyncio.get_running_loop()
        self._state = state = ListenerState(self._limits, self._on_upgrade, loop)
        sockets = self._open()
        for sock in sockets:
            self._servers.append(await self._listen(sock, state))

    async def wait_answered(self) -> None:
        """Return when the requests that are under way now have been answered; new ones are taken meanwhile."""
        tasks = list(self._running.tasks)
        if tasks:
            await asyncio.wait(tasks)

    async def stop(self, grace: float) -> None:
        """Accept no more; let requests finish for `grace` seconds, then cut them off. WebSockets are left alone.

        When cancelled, what is left is cut off at once. A second call, or one before start, does nothing more.
        """
        state = self._state
        if state is None or state.is_closed:
            return
        state.is_closed = True
        state.drain(True)
        self._close_listening()
        for connection in list(state.connections):
            connection.shutdown()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await _finished(state)
        finally:
            await self._cut_off(state)

    @property
    def _running(self) -> ListenerState:
        assert self._state is not None, "the listener was not started"
        return self._state

    def _open(self) -> list[socket.socket]:
        if self._unix_socket is not None:
            sock = endpoint.open_unix(self._unix_socket, self._backlog)
            self._inode = self._unix_socket.stat().st_ino
            return [sock]
        sockets = endpoint.open_tcp(self._host, self._port, self._backlog)
        self._port = sockets[0].getsockname()[1]
        return sockets

    async def _listen(self, sock: socket.socket, state: ListenerState) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        create: Any = loop.create_server if self._unix_socket is None else loop.create_unix_server
        # A TLS handshake, and its end, are subject to the same deadline as a request.
        timeout = self._limits.request_timeout if self._tls else None
        server: asyncio.Server = await create(
            lambda: HttpProtocol(self._config, state, loop),
            sock=sock,
            ssl=self._tls,
            backlog=self._backlog,
            ssl_handshake_timeout=timeout,
            ssl_shutdown_timeout=timeout,
        )
        return server

    def _close_listening(self) -> None:
        # Not wait_closed: since Python 3.12 it waits for connections too, and WebSockets stay.
        for server in self._servers:
            server.close()
        self._servers.clear()
        if self._unix_socket is not None:
            endpoint.remove_unix(self._unix_socket, self._inode)

    async def _cut_off(self, state: ListenerState) -> None:
        if state.tasks:
            logger.warning("%s: %d requests are cut off", self.address, len(state.tasks))
        for connection in list(state.connections):
            connection.transport.abort()
        # A turn of the loop for connection_lost, which tells the requests that nobody listens any more.
        await asyncio.sleep(0)
        for task in list(state.tasks):
            task.cancel()
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=_LAST_MOMENT)
        state.requests.close()
        state.idle.close()


async def _finished(state: ListenerState) -> None:
    await state.wait_empty()
    if state.tasks:
        await asyncio.wait(state.tasks)


def uvicorn_config(asgi_app: ASGI3Application) -> Config:
    """Everything that is off: ours are the listening, the limits, the trusted hops and the logs."""
    config = Config(
        asgi_app,
        interface="asgi3",
        lifespan="off",
        ws="none",
        http=HttpProtocol,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
    config.load()
    return config
