"""All that a run needs, started and ended: Redis, the balancer, nodes, fleets, a back end; and the one log."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

from tests.adapter.redis.servers import free_port, running, valkey_binary
from tests.harness import Credentials
from tests.roll.backend import BackEnd
from tests.roll.balancer import choose_balancer
from tests.roll.crowd import Crowd, Guest, crowd_of, feeds
from tests.roll.faults import Front
from tests.roll.fleet import LIGHT, REAL, Fleet
from tests.roll.log import AnyRecord, Began, Log, Over, Subscribed
from tests.roll.nodes import Nodes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.roll.faults import Plan
    from tests.roll.size import Size

_ARRIVAL_TIMEOUT = 60.0
_CALM = 1.0
_PLACES = 3
"""For each node, and those that replace it in two deploys."""


class Stage:
    """Runs while its ``async with`` block does, which is entered once everybody is there.

    :param extra: more variables of the nodes.
    :param plan: what a :class:`~tests.roll.faults.Front` before the nodes does; none if there is nothing before them.
    """

    def __init__(self, size: Size, extra: Mapping[str, str] | None = None, *, plan: Plan | None = None) -> None:
        self.size = size
        self.log = Log()
        self.crowd: Crowd = crowd_of(real=size.real, light=size.light, leavers=size.leavers, visitors=size.visitors)
        self._extra = dict(extra or {})
        self._plan = plan
        self.app = Credentials()
        # Subscriptions that are yet to be confirmed before it can begin.
        self._missing = {(g.name, channel) for g in self.crowd.values() if not g.visits for channel in g.channels}
        self._complete = asyncio.Event()
        self._exit = AsyncExitStack()
        # Set when started.
        self.nodes: Nodes
        # Set when started, if it is broken.
        self.front: Front

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._exit = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._exit.aclose()

    async def _start(self, stack: AsyncExitStack) -> None:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="shoal-roll-")))
        redis = stack.enter_context(running(valkey_binary(), folder))
        settings = self.size.settings() | {"SHOAL_REDIS": redis.url} | self._extra
        ports = {f"node-{number}": free_port() for number in range(1, _PLACES * self.size.nodes + 1)}
        doors = ports
        if self._plan is not None:
            self.front = await stack.enter_async_context(Front(ports, self._plan))
            doors = self.front.ports
        self.balancer = await stack.enter_async_context(choose_balancer(doors))
        self.nodes = Nodes(ports, settings, self.size, self.balancer, self.log.add)
        stack.callback(self.nodes.stop)
        await asyncio.gather(*(self.nodes.start() for _ in range(self.size.nodes)))
        await self._bring_clients(stack)
        # The last arrivals are yet to be announced to all others.
        await asyncio.sleep(_CALM)
        self.log.add(Began(time.time()))

    async def _bring_clients(self, stack: AsyncExitStack) -> None:
        back_end = BackEnd(self.app, self.balancer.api_port, self.log.add)
        stack.callback(back_end.close)
        await stack.enter_async_context(back_end.publishing(feeds(), self.size.events))
        fleets = self._fleets()
        for fleet in fleets:
            await stack.enter_async_context(fleet)
        complete = asyncio.create_task(self._complete.wait())
        stack.callback(complete.cancel)
        endings = [fleet.reading for fleet in fleets]
        await asyncio.wait([complete, *endings], timeout=_ARRIVAL_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        assert self._complete.is_set(), f"{len(self._missing)} subscriptions are missing before anything happened"

    def _fleets(self) -> list[Fleet]:
        guests, balancer = list(self.crowd.values()), self.balancer
        real = [guest for guest in guests if guest.is_real]
        light = [guest for guest in guests if not guest.is_real and not guest.visits]
        visitors = [guest for guest in guests if guest.visits]
        return [
            *(self._fleet(REAL, some, balancer.clients_port) for some in (real,) if some),
            # Two processes, so that neither has more to do than a node.
            *(self._fleet(LIGHT, half, balancer.clients_port) for half in (light[::2], light[1::2])),
            # In turn to all nodes, so that those that are about to leave get their share.
            *(self._fleet(LIGHT, some, balancer.api_port) for some in (visitors,) if some),
        ]

    def _fleet(self, command: Sequence[str], guests: Sequence[Guest], port: int) -> Fleet:
        address = {"host": "127.0.0.1", "port": port, "key": self.app.key, "secret": self.app.secret}
        share = self.size.arrivals * len(guests) / len(self.crowd)
        return Fleet(command, guests, address=address, per_second=share, hear=self._hear)

    def _hear(self, record: AnyRecord) -> None:
        self.log.add(record)
        if self._missing and isinstance(record, Subscribed):
            self._missing.discard((record.client, record.channel))
            if not self._missing:
                self._complete.set()

    async def end(self, *, after: float) -> None:
        """Wait for what is still to come, ask all nodes who is where, and close the log."""
        await asyncio.sleep(after)
        for node in self.nodes.running():
            back_end = BackEnd(self.app, node.port, self.log.add)
            for room in (channel for channel in feeds() if channel.startswith("presence-")):
                await back_end.list_members(room, node.name)
            back_end.close()
        self.nodes.complain()
        self.log.add(Over(time.time()))
