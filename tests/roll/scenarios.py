"""What is done to the nodes: each scenario runs on a stage of its own, and returns what it is judged by."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.roll.judging import CRASH, DEPLOY, Terms, tell
from tests.roll.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tests.roll.judging import Verdict
    from tests.roll.judging.lines import Line
    from tests.roll.size import Size

_REAPED_AFTER = 15.0
"""Seconds from a crash until the members that only the dead node had are gone, and then some."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that happens to a cluster."""

    title: str
    act: Callable[[Stage], Awaitable[None]]
    lines: Sequence[Line]

    async def run(self, size: Size) -> list[Verdict]:
        """Let it happen, and return the table."""
        terms = Terms(pace=size.pace, grace=size.grace)
        async with Stage(size) as stage:
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


SCENARIOS = {
    "one-by-one": Scenario("a rolling deploy, one node at a time", _one_by_one, DEPLOY),
    "at-once": Scenario("a rolling deploy, all nodes at once", _at_once, DEPLOY),
    "crash": Scenario("kill -9 of one node", _crash, CRASH),
}
