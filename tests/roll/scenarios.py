"""What is done to the nodes: each scenario runs on a stage of its own, and returns what it is judged by."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.roll.backend import BackEnd
from tests.roll.judging import CRASH, DEPLOY, STUBBORN, Terms, tell
from tests.roll.stage import Stage
from tests.roll.stubborn import CHANNEL, stubborn_clients

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tests.roll.judging import Verdict
    from tests.roll.judging.lines import Line
    from tests.roll.size import Size

_CALM = 2.0
_FLOOD = 40
"""Events of the largest size: more than the system keeps for a client that doesn't read, less than makes it slow."""
_SETTINGS = {"SHOAL_SOCKET_SEND_BUFFER": "65536"}
_REAPED_AFTER = 14.0
"""Seconds from a crash until the members that only the dead node had are gone, and then some."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that happens to a cluster."""

    title: str
    act: Callable[[Stage], Awaitable[None]]
    lines: Sequence[Line]

    async def run(self, size: Size) -> list[Verdict]:
        """Let it happen, and return the table."""
        terms = Terms(pace=size.pace, grace=size.grace, undelayed=size.undelayed)
        async with Stage(size, _SETTINGS) as stage:
            await self.act(stage)
        story = tell(stage.log, stage.crowd, terms)
        return [line(story) for line in self.lines]


async def _one_by_one(stage: Stage) -> None:
    for old in stage.nodes.running():
        await stage.nodes.start()
        await stage.nodes.leave(old)
    await stage.end(after=stage.size.ghosts_after)


async def _at_once(stage: Stage) -> None:
    old = stage.nodes.running()
    await asyncio.gather(*(stage.nodes.start() for _ in old))
    await asyncio.gather(*(stage.nodes.leave(node) for node in old))
    await stage.end(after=stage.size.ghosts_after)


async def _crash(stage: Stage) -> None:
    await stage.nodes.kill(stage.nodes.running()[0])
    await stage.end(after=_REAPED_AFTER)


async def _stubborn(stage: Stage) -> None:
    """Have a node leave that has both kinds of stubborn clients, one of them with much that waits for it."""
    old = stage.nodes.running()[0]
    await stage.nodes.start()
    async with stubborn_clients(old.port, stage.app.key):
        flooding = asyncio.create_task(_flood_before_drain(stage))
        await stage.nodes.leave(old)
        await flooding
    await stage.end(after=_CALM)


async def _flood_before_drain(stage: Stage) -> None:
    await asyncio.sleep(0.8 * stage.size.settle)
    back_end = BackEnd(stage.app, stage.balancer.api_port, stage.log.add)
    await back_end.flood(CHANNEL, _FLOOD)
    await back_end.close()


SCENARIOS = {
    "one-by-one": Scenario("a rolling deploy, one node at a time", _one_by_one, DEPLOY),
    "at-once": Scenario("a rolling deploy, all nodes at once", _at_once, DEPLOY),
    "crash": Scenario("kill -9 of one node", _crash, CRASH),
    "stubborn": Scenario("a node leaves, with clients that don't take part in it", _stubborn, STUBBORN),
}
