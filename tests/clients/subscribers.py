"""Pysher, whose thread calls back: each event is put into a queue, from which a test takes it."""

from __future__ import annotations

import logging
from queue import Queue
from typing import TYPE_CHECKING, Any, Self

from pysher import Pusher

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.harness import RunningNode

TIMEOUT = 20.0
ESTABLISHED = "pusher:connection_established"
SUCCEEDED = "pusher_internal:subscription_succeeded"


class Subscriber:
    """A client of Pysher, subscribed as its documentation tells to: in the callback of the established connection.

    :param channels: the events to listen to of each channel, besides the confirmation.
    :param connection: the events to listen to of the connection, besides the first one.
    :param user: who it is in presence channels.
    """

    def __init__(
        self,
        node: RunningNode,
        app: Mapping[str, Any],
        *,
        channels: Mapping[str, Sequence[str]] | None = None,
        connection: Sequence[str] = (),
        user: Mapping[str, Any] | None = None,
    ) -> None:
        self._channels = channels or {}
        self._queues: dict[tuple[str, str], Queue[Any]] = {}
        self.pusher = Pusher(
            app["key"],
            secret=app["secret"],
            custom_host=node.host,
            port=node.port,
            secure=False,
            user_data=dict(user or {}),
            log_level=logging.CRITICAL,  # A record for each message otherwise, with errors that are expected here.
        )
        self.pusher.connection.bind(ESTABLISHED, self._established)
        for event in (ESTABLISHED, *connection):
            self.pusher.connection.bind(event, self._queue("", event).put)

    def _established(self, data: str) -> None:
        for name, events in self._channels.items():
            channel = self.pusher.subscribe(name)
            for event in (SUCCEEDED, *events):
                channel.bind(event, self._queue(name, event).put)

    def next(self, event: str, channel: str = "") -> Any:
        """Return the data, as the library hands it over, of the next event among those that are listened to."""
        return self._queue(channel, event).get(timeout=TIMEOUT)

    @property
    def state(self) -> str:
        return str(self.pusher.connection.state)

    @property
    def socket_id(self) -> str:
        return str(self.pusher.connection.socket_id)

    def ended(self) -> bool:
        """Wait until its thread has ended by itself; return whether it did."""
        self.pusher.connection.join(TIMEOUT)
        return not self.pusher.connection.is_alive()

    def __enter__(self) -> Self:
        """Connect, and wait until it is."""
        self.pusher.connect()
        self.next(ESTABLISHED)
        return self

    def __exit__(self, *exc: object) -> None:
        # Pysher's disconnect() closes the socket under its own thread, which may then wait for two minutes. The answer
        # to a close frame ends the thread; the library leaves the socket open then.
        connection = self.pusher.connection
        socket = connection.socket.sock
        connection.disconnect_called = True
        socket.send_close()
        assert self.ended()
        socket.shutdown()

    def _queue(self, channel: str, event: str) -> Queue[Any]:
        return self._queues.setdefault((channel, event), Queue())
