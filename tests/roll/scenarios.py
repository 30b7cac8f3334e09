"""What is done to the nodes: each scenario runs on a stage of its own, and returns what it is judged by."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.roll.backend import BackEnd
from tests.roll.judging import CRASH, DEPLOY, KILLED_LEAVING, LATE, STUBBORN, Terms, table, tell
from tests.roll.stage import Stage
from tests.roll.stubborn import CHANNEL, stubborn_clients

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from tests.roll.judging import Verdict
    from tests.roll.judging.lines import Line
    from tests.roll.size import Size

_CALM = 2.0
_TOO_LATE = 3.0
_FLOOD = 40
"""Events of the largest size: more than the system keeps for a client that doesn't read, less than makes it slow."""
_PATIENT = {"SHOAL_SOCKET_SEND_BUFFER": "65536", "SHOAL_UNSENT_TIMEOUT": "600"}
"""So that what waits for a client waits in the node, and it is left to the drain to end who doesn't read."""
_IN_THE_MIDDLE = 0.4
_WORTH_TELLING = 0.25
_REAPED_AFTER = 14.0
"""Seconds from a crash until the members that only the dead node had are gone, and then some."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a scenario."""

    verdicts: list[Verdict]
    stalled: float
    """Seconds for which clients stood still, because the machine had other things to do."""

    @property
    def is_ok(self) -> bool:
        return all(verdict.is_ok for verdict in self.verdicts)

    def __str__(self) -> str:
        note = f"\nThe machine is busy: clients stood still for up to {self.stalled:.2f} s, and times are that wrong."
        return table(self.verdicts) + (note if self.stalled > _WORTH_TELLING else "")


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that happens to a cluster."""

    title: str
    act: Callable[[Stage], Awaitable[None]]
    lines: Sequence[Line]
    settings: Mapping[str, str] = field(default_factory=dict)
    """More variables of the nodes."""

    def sized(self, size: Size) -> Size:
        """Return the size that it runs in, of the one that was asked for."""
        return size

    async def run(self, size: Size) -> Outcome:
        """Let it happen, and judge it."""
        terms = Terms(pace=size.pace, grace=size.grace, undelayed=size.undelayed, patience=size.patience)
        async with Stage(size, self.settings) as stage:
            await self.act(stage)
        story = tell(stage.log, stage.crowd, terms)
        return Outcome([line(story) for line in self.lines], story.longest_stall())


async def _one_by_one(stage: Stage) -> None:
    await _replace_one_by_one(stage)
    await stage.end(after=stage.size.ghosts_after)


async def _at_once(stage: Stage) -> None:
    await _replace_at_once(stage)
    await stage.end(after=stage.size.ghosts_after)


async def _twice(stage: Stage) -> None:
    await _replace_one_by_one(stage)
    await _replace_at_once(stage)
    await stage.end(after=stage.size.ghosts_after)


async def _replace_one_by_one(stage: Stage) -> None:
    for old in stage.nodes.running():
        await stage.nodes.start()
        await stage.nodes.leave(old)


async def _replace_at_once(stage: Stage) -> None:
    old = stage.nodes.running()
    await asyncio.gather(*(stage.nodes.start() for _ in old))
    await asyncio.gather(*(stage.nodes.leave(node) for node in old))


async def _late(stage: Stage) -> None:
    """Have a node leave that gets clients while it drains: the emptier it is, the better the balancer likes it."""
    old = stage.nodes.running()[0]
    await stage.nodes.start()
    await stage.nodes.leave(old, delist_after=stage.size.settle + _TOO_LATE)
    await stage.end(after=stage.size.ghosts_after)


async def _crash(stage: Stage) -> None:
    await stage.nodes.kill(stage.nodes.running()[0])
    await stage.end(after=_REAPED_AFTER)


async def _killed_leaving(stage: Stage) -> None:
    """Kill a node in the middle of its drain: some of its clients have been told to go, some have not."""
    old = stage.nodes.running()[0]
    await stage.nodes.start()
    await stage.nodes.leave(old, grace=stage.size.settle + _IN_THE_MIDDLE * stage.size.undelayed)
    await stage.end(after=stage.size.ghosts_after)


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
    back_end.close()


SCENARIOS = {
    "one-by-one": Scenario("a rolling deploy, one node at a time", _one_by_one, DEPLOY),
    "at-once": Scenario("a rolling deploy, all nodes at once", _at_once, DEPLOY),
    "late": Scenario("a node leaves, and the balancer learns of it too late", _late, LATE),
    "crash": Scenario("kill -9 of one node", _crash, CRASH),
    "killed-leaving": Scenario("kill -9 of a node in the middle of its drain", _killed_leaving, KILLED_LEAVING),
    "stubborn": Scenario("a node leaves, with clients that don't take part in it", _stubborn, STUBBORN, _PATIENT),
}

TWICE = Scenario("a rolling deploy, one node at a time, and another, all at once", _twice, DEPLOY)
"""The first two in one, for those who have no time."""
