"""Who may come in: the checks between a WebSocket's request and its first message.

Whatever is wrong, the handshake is completed first and the connection closed with a code then. A refusal by HTTP, or
of the TCP connection, would make the official clients try again for ever, in steps of 15 to 60 seconds.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import Future
from functools import partial
from typing import TYPE_CHECKING

from server.apps.errors import StoreUnavailable
from server.connection.addresses import Addresses
from server.connection.connection import Connection
from server.connection.turnstile import Turnstile
from server.connection.websocket import WebSocket
from server.protocol import codes
from server.protocol.codes import Close
from server.protocol.handshake import read_greeting
from server.protocol.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapter.base import Adapter
    from server.apps import App, Directory
    from server.config import Settings
    from server.hub.hub import Hub
    from server.listener import Upgrade
    from server.metrics import Metrics


class Door:
    """Opens connections, or closes them with the code that says why."""

    def __init__(
        self,
        *,
        apps: Directory,
        adapter: Adapter,
        hub: Hub,
        settings: Settings,
        metrics: Metrics,
        is_draining: Callable[[], bool],
    ) -> None:
        self._apps = apps
        self._adapter = adapter
        self._hub = hub
        self._settings = settings
        self._metrics = metrics
        self._is_draining = is_draining
        # Sockets of all states.
        self._open = 0
        # Those whose application is being looked up, or that wait to be admitted.
        self._waiting: set[Connection] = set()
        # Those of them whose answer has come.
        self._turnstile = Turnstile()
        self._addresses = Addresses(settings)

    def open(self, upgrade: Upgrade) -> asyncio.Protocol:
        """Answer a WebSocket's request, and go on with its connection."""
        ws = WebSocket(max_message_bytes=self._settings.max_header_bytes)
        target = upgrade.path + ("?" + upgrade.query.decode("latin-1") if upgrade.query else "")
        response, is_accepted = ws.answer(target, upgrade.headers)
        upgrade.transport.write(response)
        if not is_accepted:
            # No browser or client asks like that; this one gets the reason in plain HTTP.
            self._metrics.refused_handshakes[400, "no_handshake"] += 1
            ws.dispose()
            upgrade.transport.close()
            return asyncio.Protocol()
        return self._begin(upgrade, ws)

    def _begin(self, upgrade: Upgrade, ws: WebSocket) -> Connection:
        connection = Connection(upgrade.transport, ws, hub=self._hub, on_lost=partial(self._lost, upgrade.peer))
        self._bound_buffers(upgrade.transport)
        self._open += 1
        # An address is refused before anybody's time is taken for it: to look up keys that it makes up, for example.
        too_many = self._addresses.came(upgrade.peer, self._hub.now())
        greeting = too_many or read_greeting(upgrade.path, upgrade.query.decode("latin-1"))
        if isinstance(greeting, Close):
            self._refuse(connection, greeting)
            return connection
        if self._is_draining():
            # Before anything is waited for: it might take longer than this node lives.
            self._turn_away_late(connection)
            return connection
        found = self._apps.by_key(greeting.app_key)
        if isinstance(found, Future):
            # At most for twice `app_store_timeout`, which is within the time that a handshake may take.
            self._let_wait(connection)
            act = partial(self._looked_up, connection, upgrade, greeting.app_key, found)
            found.add_done_callback(lambda _: self._turnstile.enter(act))
        else:
            self._found(connection, upgrade, greeting.app_key, found)
        return connection

    def _looked_up(self, connection: Connection, upgrade: Upgrade, key: str, future: Future[App | None]) -> None:
        if future.cancelled() or not connection.is_greeting:
            return
        exc = future.exception()
        if exc is None:
            self._found(connection, upgrade, key, future.result())
        elif isinstance(exc, StoreUnavailable):
            self._refuse(connection, codes.APP_NOT_FOUND_NOW)
        else:
            raise exc

    def _found(self, connection: Connection, upgrade: Upgrade, key: str, app: App | None) -> None:
        close = codes.unknown_app(key) if app is None else self._why_not(app, upgrade)
        if close is not None:
            self._refuse(connection, close)
        elif app is not None:
            self._admit(connection, app)

    def _bound_buffers(self, transport: asyncio.Transport) -> None:
        """Have the connection told of when its peer takes less than it is given."""
        transport.set_write_buffer_limits(high=self._settings.slow_consumer_bytes)
        size, sock = self._settings.socket_send_buffer, transport.get_extra_info("socket")
        if size is not None and sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

    def _why_not(self, app: App, upgrade: Upgrade) -> Close | None:
        """Return why the client may not connect to the application, if so."""
        if not app.enabled:
            return codes.APP_DISABLED
        if app.tls_only and not upgrade.is_tls:
            return codes.TLS_ONLY
        if not app.allows_origin(_header(upgrade, b"origin")):
            return codes.ORIGIN_NOT_ALLOWED
        return self._why_not_now()

    def _why_not_now(self) -> Close | None:
        if self._open > self._settings.max_connections:
            return codes.OVER_CAPACITY
        return None

    def _admit(self, connection: Connection, app: App) -> None:
        future = self._adapter.admit(app.id, app.max_connections)
        if future.done():
            self._admitted(connection, app, future)
        else:
            self._let_wait(connection)
            act = partial(self._admitted, connection, app, future)
            future.add_done_callback(lambda _: self._turnstile.enter(act))

    def _admitted(self, connection: Connection, app: App, future: Future[bool]) -> None:
        if future.cancelled():
            return
        is_admitted = future.result()
        if not connection.is_greeting:
            # It went away, or was turned away, while it was waiting.
            if is_admitted:
                self._adapter.discharge(app.id)
        elif not is_admitted:
            self._refuse(connection, codes.APP_OVER_QUOTA)
        elif isinstance(current := self._current(app), Close):
            self._adapter.discharge(app.id)
            self._refuse(connection, current)
        else:
            session = Session(
                current, connection.random_id, now=self._hub.now(), max_depth=self._settings.max_json_depth
            )
            self._waiting.discard(connection)
            connection.establish(session, self._metrics.of(app.id), self._settings.activity_timeout)

    def _current(self, app: App) -> App | Close:
        """Return what has become of an application while a client waited to be admitted."""
        current = self._apps.by_id(app.id)
        if current is None or current.key != app.key:
            return codes.unknown_app(app.key)
        return current if current.enabled else codes.APP_DISABLED

    def _let_wait(self, connection: Connection) -> None:
        self._waiting.add(connection)
        connection.await_admission()

    def turn_away_waiting(self) -> None:
        """Tell those that wait to come back elsewhere: the drain begins, and must not miss them."""
        for connection in list(self._waiting):
            self._turn_away_late(connection)

    def _turn_away_late(self, connection: Connection) -> None:
        self._metrics.departure.late_handshakes += 1
        self._refuse(connection, codes.DRAINING)

    def _refuse(self, connection: Connection, close: Close) -> None:
        self._waiting.discard(connection)
        self._metrics.refused_handshakes[close.code, close.label] += 1
        self._hub.turn_away(connection, close)

    def _lost(self, peer: str, connection: Connection) -> None:
        self._waiting.discard(connection)
        self._open -= 1
        self._addresses.gone(peer)


def _header(upgrade: Upgrade, name: bytes) -> str | None:
    for given, value in upgrade.headers:
        if given == name:
            return value.decode("latin-1")
    return None
