"""A node's departure, from being told to its last connection's end.

Clients are closed in random order and paced; the listener stays open to the last, so that nobody is refused, and the
node hears of the cluster's events to the last, so that nobody misses one before being told to go.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from adapter.errors import Unavailable
from server.leaving.pace import Pace, TokenBucket, pace_of
from server.lifecycle import Lifecycle, State
from server.protocol import codes

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapter.base import Adapter
    from server.config import Settings
    from server.hub import Client, Hub
    from server.listener import Listener
    from server.metrics import Metrics

logger = logging.getLogger(__name__)

TICK = 0.02
"""Seconds between two batches of closes."""
REVIEW = 2.0
"""Seconds after which the pace is worked out again: by then the nodes know of one another's new states."""
RESERVE = 2.0
"""Seconds before the deadline at which all that is left is closed at once."""
FLUSH_GRACE = 5.0
"""Seconds for requests in flight, when all clients have gone."""
LAST_SECOND = 1.0
"""Seconds that are left for anything once a node hurries."""


class Departure:
    """Leads a node out. One for each node; told by signals and by operators, run by the node."""

    def __init__(
        self, lifecycle: Lifecycle, *, hub: Hub, adapter: Adapter, settings: Settings, metrics: Metrics
    ) -> None:
        self._lifecycle = lifecycle
        self._hub = hub
        self._adapter = adapter
        self._settings = settings
        self._numbers = metrics.departure
        # Set whenever the lifecycle has been told something.
        self._told = asyncio.Event()
        # When the node has to be gone; None if nobody waits, or nobody has told it to exit.
        self._deadline: float | None = None
        # The listener's end, while it is waited for.
        self._stopping: asyncio.Task[None] | None = None

    # Being told

    def drain(self) -> dict[str, object]:
        """Let go of all clients, and stay until told to exit; return how that stands."""
        self._lifecycle.drain()
        self._told.set()
        return {"state": self._lifecycle.state.value, "connections": len(self._hub.clients)}

    def exit(self) -> None:
        """Let go of all clients and exit; told a second time, within a second."""
        self._lifecycle.exit()
        if self._deadline is None and self._settings.grace is not None:
            self._deadline = self._hub.now() + self._settings.grace
        if self._lifecycle.is_hurrying:
            asyncio.get_running_loop().call_later(LAST_SECOND, self._cut_off)
        self._told.set()

    def _cut_off(self) -> None:
        """End whatever is still waited for."""
        self._hub.abort_closing()
        if self._stopping is not None:
            self._stopping.cancel()

    # Leaving

    async def run(self, listener: Listener) -> bool:
        """Wait to be told, then leave.

        :returns: whether every connection got its close frame.
        """
        await self._wait_for(lambda: self._lifecycle.is_told_to_leave)
        began_at, sockets = self._hub.now(), len(self._hub.clients)
        await self._settle(listener)
        await self._drain()
        await self._flush(listener)
        numbers = self._numbers
        logger.info(
            "left",
            extra={
                "connections": sockets,
                "seconds": round(self._hub.now() - began_at, 1),
                "closed": numbers.closed,
                "cut_off": numbers.aborted,
                "forced": numbers.forced,
                "late_handshakes": numbers.late_handshakes,
            },
        )
        return numbers.aborted == 0

    async def _settle(self, listener: Listener) -> None:
        """Go on as before, until load balancers have noticed."""
        self._enter(State.SETTLING)
        listener.draining = True
        logger.info("leaving: no longer ready", extra={"settle": self._settings.settle})
        await self._wait_for(lambda: self._lifecycle.is_hurrying, self._settings.settle)

    async def _drain(self) -> None:
        """Close all clients, at a pace; then wait to be told to exit, closing whoever slipped in."""
        self._enter(State.DRAINING)
        clients = list(self._hub.clients.values())
        random.shuffle(clients)
        await self._close_paced(clients)
        await self._wait_for(lambda: self._lifecycle.is_told_to_exit)
        # Those that were let in while this node was settling and have been missed: none, unless they were waiting.
        self._close(list(self._hub.clients.values()))
        await self._wait_closed()

    async def _close_paced(self, clients: list[Client]) -> None:
        pace, reviewed_at = Pace(0.0, 0.0, is_forced=False), float("-inf")
        ends_at = self._hub.now() + self._settings.drain_max
        bucket = TokenBucket(now=self._hub.now())
        while clients:
            now = self._hub.now()
            if self._is_out_of_time(now):
                self._lifecycle.hurry()
            if self._lifecycle.is_hurrying:
                self._close(clients)
                return
            if now - reviewed_at >= REVIEW:
                pace, reviewed_at = await self._pace(len(clients), ends_at - now), now
            batch = [clients.pop() for _ in range(min(len(clients), bucket.take(pace.rate, now=now)))]
            self._close(batch)
            self._numbers.remaining = len(clients)
            if clients:
                await self._wait_for(lambda: self._lifecycle.is_hurrying, TICK)

    async def _pace(self, sockets: int, longest: float) -> Pace:
        states = await self._states()
        if self._deadline is not None:
            longest = min(longest, self._deadline - RESERVE - self._hub.now())
        pace = pace_of(
            sockets,
            handshake_rate=self._settings.handshake_rate,
            ready=states.count(State.READY.value),
            draining=states.count(State.DRAINING.value),
            ceiling=self._settings.drain_rate,
            longest=longest,
        )
        if pace.is_forced and not self._numbers.forced:
            text = "draining faster than the other nodes can well take: drain_max or the grace period is short"
            logger.warning(text, extra={"rate": round(pace.rate), "connections": sockets})
            self._numbers.forced += 1
        self._numbers.rate = pace.rate
        return pace

    async def _states(self) -> list[str]:
        """Return the states of all nodes; none where they can't be known just now."""
        try:
            return [node.state for node in await self._adapter.nodes()]
        except Unavailable:
            return []

    def _close(self, clients: list[Client]) -> None:
        for client in clients:
            if client.session.socket_id in self._hub.clients:
                self._hub.close(client, codes.SERVER_LEAVING)
                self._numbers.closed += 1

    async def _wait_closed(self) -> None:
        """Wait for the close handshakes; the sweeps cut off who doesn't take part."""
        patience = LAST_SECOND if self._lifecycle.is_hurrying else self._settings.abort_timeout + LAST_SECOND
        if self._deadline is not None:
            patience = min(patience, max(0.0, self._deadline - self._hub.now() - LAST_SECOND))
        try:
            async with asyncio.timeout(patience):
                await self._hub.wait_closed()
        except TimeoutError:
            self._hub.abort_closing()

    async def _flush(self, listener: Listener) -> None:
        self._enter(State.FLUSHING)
        grace = LAST_SECOND if self._lifecycle.is_hurrying else FLUSH_GRACE
        if self._deadline is not None:
            grace = min(grace, max(0.0, self._deadline - self._hub.now()))
        self._stopping = asyncio.create_task(listener.stop(grace))
        # Not awaited itself: when it is cancelled, this goes on.
        await asyncio.wait([self._stopping])

    def _enter(self, state: State) -> None:
        self._lifecycle.advance(state)
        self._adapter.declare(state.value, len(self._hub.clients))

    def _is_out_of_time(self, now: float) -> bool:
        return self._deadline is not None and now >= self._deadline - RESERVE

    async def _wait_for(self, condition: Callable[[], bool], longest: float | None = None) -> None:
        """Wait until what the node was told makes `condition` true, or for `longest` seconds."""
        try:
            async with asyncio.timeout(longest):
                while not condition():
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError:
            return
