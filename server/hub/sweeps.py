"""What a node does as time passes, for all its connections at once: no connection has a timer.

Each look goes through the connections in slices, so that a node with many of them stays as quick as one with few.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from server.hub.slices import slices
from server.protocol import codes

if TYPE_CHECKING:
    from server.config import Settings
    from server.hub.client import Client
    from server.hub.hub import Hub
    from server.metrics import Metrics

LATE = 2.0
"""Seconds by which a look may be late. One that is later blames nobody: it was this node that didn't listen."""


class Backlog:
    """Bytes of one connection that have waited since a time, and the mark past which they are all taken."""

    __slots__ = ("mark", "since")

    def __init__(self, since: float, mark: int) -> None:
        self.since = since
        self.mark = mark


class Sweeps:
    """Looks after a hub's connections."""

    def __init__(self, hub: Hub, settings: Settings, metrics: Metrics) -> None:
        self._hub = hub
        self._settings = settings
        self._metrics = metrics
        # Since when each connection is above its high-water mark.
        self._slow_since: dict[Client, float] = {}
        # Connections that had unsent bytes when they were last looked at.
        self._backlogs: dict[Client, Backlog] = {}

    async def each_second(self) -> None:
        """Look after silence, and after bytes that nobody takes."""
        while True:
            asked_at = self._hub.now()
            await asyncio.sleep(1.0)
            if self._hub.now() - asked_at > 1.0 + LATE:
                # The process was stopped, or busy: signs of life lie in the kernel, unread. Hear them first.
                continue
            for batch in slices(list(self._hub.clients.values())):
                now = self._hub.now()
                for client in batch:
                    self.check_silence(client, now)
                    self.check_backlog(client, now)
                await asyncio.sleep(0)
            self._backlogs = {
                c: backlog for c, backlog in self._backlogs.items() if c.session.socket_id in self._hub.clients
            }

    async def each_quarter(self) -> None:
        """Look after slow consumers, connections that are closing, and counts to be told."""
        while True:
            asked_at = self._hub.now()
            await asyncio.sleep(0.25)
            now = self._hub.now()
            lag = max(0.0, now - asked_at - 0.25)
            self._metrics.loop_lag_seconds.observe(lag)
            if lag <= LATE:
                self.check_slow(now)
            self.check_closing(now)
            self._hub.tell_counts()

    def check_silence(self, client: Client, now: float) -> None:
        """Ask a silent client for a sign of life, and end it if it gave none."""
        session = client.session
        settings = self._settings
        # Nearly all connections are through with this line.
        if now - session.last_heard < settings.activity_timeout and now < session.authorize_by:
            return
        effects = session.tick(now=now, activity_timeout=settings.activity_timeout, pong_timeout=settings.pong_timeout)
        if effects and session.socket_id in self._hub.clients:
            self._hub.carry_out(client, effects)

    def check_backlog(self, client: Client, now: float) -> None:
        """End a client whose oldest unsent byte has waited too long.

        When bytes are first found waiting, a mark is set behind them: it is reached when the peer has taken as many
        bytes as it had taken then, and those that waited.
        """
        unsent = client.unsent
        if not unsent:
            self._backlogs.pop(client, None)
            return
        acknowledged = client.acknowledged()
        backlog = self._backlogs.get(client)
        is_past = backlog is not None and acknowledged is not None and acknowledged >= backlog.mark
        if backlog is None or is_past:
            self._backlogs[client] = Backlog(now, (acknowledged or 0) + unsent)
        elif now - backlog.since >= self._settings.unsent_timeout:
            self._end_as_slow(client)

    def check_slow(self, now: float) -> None:
        """End who is above the high-water mark for too long or by too much; the largest first, if all is too much."""
        slow = {client: client.unsent for client in self._hub.slow}
        self._slow_since = {client: self._slow_since.get(client, now) for client in slow}
        for client, since in self._slow_since.items():
            is_late = now - since >= self._settings.slow_consumer_seconds
            if is_late or slow[client] > self._settings.slow_consumer_max_bytes:
                self._end_as_slow(client)
                slow[client] = 0
        excess = sum(slow.values()) - self._settings.max_node_buffer_bytes
        for client in sorted(slow, key=slow.__getitem__, reverse=True):
            if excess <= 0:
                return
            excess -= slow[client]
            self._end_as_slow(client)

    def _end_as_slow(self, client: Client) -> None:
        self._hub.slow.discard(client)
        if client.session.socket_id in self._hub.clients:
            client.counters.slow_consumers += 1
            self._hub.close(client, codes.SLOW_CONSUMER)

    def check_closing(self, now: float) -> None:
        """Hang up on who doesn't answer our close frame in time, and cut off who doesn't even read it."""
        self._hub.abort_closing(older_than=self._settings.abort_timeout)
        for client, (since, _) in list(self._hub.closing.items()):
            if now - since >= self._settings.close_timeout:
                client.hang_up()
