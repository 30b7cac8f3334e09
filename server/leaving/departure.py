"""A node's departure, from being told to its last word: carries out what its :mod:`~server.leaving.course` decides.

Clients are closed in random order and paced; the listener stays open to the last, so that nobody is refused, and the
node hears of the cluster's events to the last, so that nobody misses one before being told to go.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from functools import partial
from math import inf
from typing import TYPE_CHECKING, assert_never

from adapter.errors import Unavailable
from server.leaving.course import Course
from server.leaving.effects import AskNodes, CloseClients, CutOff, Effect, Enter, Flush, Force, GiveUp, SignOff
from server.lifecycle import Lifecycle, State
from server.protocol import codes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from adapter.base import Adapter
    from server.config import Settings
    from server.hub import Client, Hub
    from server.leaving.pace import Pace
    from server.listener import Listener
    from server.metrics import Metrics

logger = logging.getLogger(__name__)


class Departure:
    """Leads a node out. One for each node; told by signals and by operators, run by the node.

    :param flush: called one after the other when no client is left and no request is under way: to send what is still
        to be sent, or leave it to the other nodes. Cancelled when there is no time left.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        *,
        hub: Hub,
        adapter: Adapter,
        settings: Settings,
        metrics: Metrics,
        flush: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._lifecycle = lifecycle
        self._hub = hub
        self._adapter = adapter
        self._numbers = metrics.departure
        self._flushes = tuple(flush)
        self._flush_timeout = settings.flush_timeout
        self._course = Course(lifecycle, settings)
        # Set whenever something has happened that may matter to the course.
        self._stirred = asyncio.Event()
        hub.on_all_closed = self._stirred.set
        # Called when the drain begins, before any client is closed.
        self.on_draining: Callable[[], None] = _nothing
        # Set for the time of `run`.
        self._listener: Listener
        self._tasks: asyncio.TaskGroup
        # Those that are yet to be told, in the order in which they will be.
        self._line: list[Client] = []
        self._asking: asyncio.Task[None] | None = None
        self._work: asyncio.Task[None] | None = None
        # When it was told to leave, and how many clients it had then.
        self._began_at: float | None = None
        self._sockets = 0

    # Being told

    def drain(self, within: float | None = None) -> dict[str, object]:
        """Let go of all clients, and stay until told to exit; return how that stands.

        :param within: seconds in which that has to be done, if it is known.
        """
        self._begin()
        self._course.drain(now=self._hub.now(), within=within)
        # So that what is answered is no longer "ready".
        self._go_on()
        return {"state": self._lifecycle.state.value, "connections": len(self._hub.clients)}

    def exit(self) -> None:
        """Let go of all clients and exit; told a second time, within a second."""
        self._begin()
        self._course.exit(now=self._hub.now())

    def _begin(self) -> None:
        if self._began_at is None:
            self._began_at, self._sockets = self._hub.now(), len(self._hub.clients)
        self._stirred.set()

    async def wait_told_to_exit(self) -> None:
        """Return once told to exit: for a node that is starting."""
        while not self._lifecycle.is_told_to_exit:
            self._stirred.clear()
            await self._stirred.wait()

    # Leaving

    async def run(self, listener: Listener) -> bool:
        """Wait to be told, then leave.

        :returns: whether every connection got its close frame.
        """
        self._listener = listener
        async with asyncio.TaskGroup() as self._tasks:
            while self._lifecycle.state is not State.STOPPED:
                if not self._go_on():
                    await self._rest()
            if self._asking is not None:
                self._asking.cancel()
        return self._numbers.aborted == 0

    def sum_up(self) -> None:
        """Log how it went, once it is over."""
        numbers, now = self._numbers, self._hub.now()
        closes = sorted(numbers.close_seconds)
        logger.info(
            "left",
            extra={
                "connections": self._sockets,
                "seconds": round(now - (now if self._began_at is None else self._began_at), 1),
                "closed": numbers.closed,
                "close_p50": _quantile(closes, 0.5),
                "close_p99": _quantile(closes, 0.99),
                "cut_off": numbers.aborted,
                "forced": numbers.forced,
                "late_handshakes": numbers.late_handshakes,
            },
        )

    def _go_on(self) -> list[Effect]:
        """Do what is to be done now, and return that."""
        clients, closing = len(self._hub.clients), len(self._hub.closing)
        effects = self._course.advance(now=self._hub.now(), open_clients=clients, closing=closing)
        if self._lifecycle.turns_away:
            self._numbers.remaining, self._numbers.rate = clients, self._course.rate
        for effect in effects:
            self._carry_out(effect)
        return effects

    async def _rest(self) -> None:
        """Wait until something happens, or it is time to go on."""
        wake_at = self._course.wake_at
        with suppress(TimeoutError):
            async with asyncio.timeout(None if wake_at == inf else wake_at - self._hub.now()):
                await self._stirred.wait()
        self._stirred.clear()
        # After a standstill timers come before sockets. Events that have arrived meanwhile are for all clients who are
        # here, so before anybody is closed sockets are looked at, and what they call for is called.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Enter(state):
                self._enter(state)
            case AskNodes():
                self._ask_nodes()
            case CloseClients(number):
                self._close(number)
            case Force(pace):
                self._force(pace)
            case CutOff():
                self._hub.abort_closing()
            case Flush():
                self._start(effect, self._flush())
            case SignOff():
                self._start(effect, self._sign_off(self._work))
            case GiveUp():
                self._give_up()
            case _:
                assert_never(effect)

    def _enter(self, state: State) -> None:
        if state is State.STOPPED:
            return
        self._adapter.declare(state.value, len(self._hub.clients), is_leaving=True)
        if state is State.SETTLING:
            self._listener.draining = True
        elif state is State.DRAINING:
            self.on_draining()
        logger.info("leaving: %s", state.value, extra={"connections": len(self._hub.clients)})

    def _ask_nodes(self) -> None:
        # One question at a time: while Redis is away it takes longer to be answered than the pace is good for.
        if self._asking is None or self._asking.done():
            self._asking = self._tasks.create_task(self._hear_nodes())

    async def _hear_nodes(self) -> None:
        try:
            states = [node.state for node in await self._adapter.nodes()]
        except Unavailable:
            states = []
        self._course.hear(states)

    def _close(self, number: int) -> None:
        if not self._line:
            self._line = list(self._hub.clients.values())
            random.shuffle(self._line)
        while self._line and number:
            client = self._line.pop()
            # Some have left by themselves meanwhile.
            if client.session.socket_id in self._hub.clients:
                self._hub.close(client, codes.SERVER_LEAVING)
                self._numbers.closed += 1
                number -= 1

    def _force(self, pace: Pace) -> None:
        self._numbers.forced += 1
        text = "draining faster than the other nodes can well take: drain_max or the grace period is short"
        logger.warning(text, extra={"rate": round(pace.rate), "seconds": round(pace.window, 1)})

    # The end

    def _start(self, work: Flush | SignOff, doing: Coroutine[object, object, None]) -> None:
        self._work = self._tasks.create_task(doing)
        self._work.add_done_callback(partial(self._finished, work))

    def _finished(self, work: Flush | SignOff, _: asyncio.Task[None]) -> None:
        self._course.finished(work)
        self._stirred.set()

    def _give_up(self) -> None:
        assert self._work is not None, "something was begun"
        logger.warning("no time left: what is under way is cut off")
        self._work.cancel()

    async def _flush(self) -> None:
        """Answer requests, send what is to be sent, and listen no more."""
        try:
            await self._listener.wait_answered()
            for flush in self._flushes:
                await flush()
            await self._listener.stop(self._flush_timeout)
        finally:
            await self._listener.stop(0.0)

    async def _sign_off(self, flushing: asyncio.Task[None] | None) -> None:
        if flushing is not None:
            await asyncio.wait([flushing])
        await self._adapter.stop()


def _nothing() -> None:
    """Do nothing: nobody waits."""


def _quantile(ordered: Sequence[float], part: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 3) if ordered else None
