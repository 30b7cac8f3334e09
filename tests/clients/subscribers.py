"""Pysher, whose thread calls back: each event is put into a queue, from which a test takes it."""

from __future__ import annotations

import json
import logging
from queue import Queue
from typing import TYPE_CHECKING, Any, Self

from pysher import Pusher

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.harness import RunningNode

TIMEOUT = 10.0
_LOG = logging.CRITICAL  # Its own log has every message; queues show what matters.


class Subscriber:
    """A client of Pysher that is connected, unless it was turned away. Leaving its ``with`` block ends its thread."""

    def __init__(
        self, node: RunningNode, app: Mapping[str, Any], *, user: Mapping[str, Any] | None = None, key: str | None = None
    ) -> None:
        self.pusher = Pusher(
            key or app["key"],
            secret=app["secret"],
            custom_host=node.host,
            port=node.port,
            secure=False,
            user_data=dict(user or {}),
            log_level=_LOG,
        )
        self._queues: dict[tuple[str, str], Queue[Any]] = {}
        self.listen("pusher:connection_established")
        self.pusher.connect()

    @property
    def state(self) -> str:
        return str(self.pusher.connection.state)

    @property
    def socket_id(self) -> str:
        return str(self.pusher.connection.socket_id)

    def listen(self, event: str) -> None:
        """Keep the connection's events of this name from now on."""
        self.pusher.connection.bind(event, self._queue("", event).put)

    def next(self, event: str, channel: str = "") -> Any:
        """Return the data, as the library hands it over, of the next event that was listened to."""
        return self._queue(channel, event).get(timeout=TIMEOUT)

    def subscribe(self, name: str, *events: str) -> str:
        """Subscribe, listen to these events of the channel, and return what the confirmation says."""
        confirmation = "pusher_internal:subscription_succeeded"
        # Pysher knows a channel only once it has asked for it, so an answer could come before anybody listens.
        channel = _Listening(self.pusher, name)
        for event in (confirmation, *events):
            channel.bind(event, self._queue(name, event).put)
        channel.subscribe()
        return str(self.next(confirmation, name))

    def _queue(self, channel: str, event: str) -> Queue[Any]:
        return self._queues.setdefault((channel, event), Queue())

    def __enter__(self) -> Self:
        self.next("pusher:connection_established")
        return self

    def __exit__(self, *exc: object) -> None:
        self.pusher.disconnect(TIMEOUT)
