"""Servers that are broken, on the wire or by their settings: by them it is seen that the harness notices.

In one run everything goes wrong at once, and each line of the table has to be not ok. In others one thing goes wrong,
for a sixth of the clients or for one node, and the lines that are about it have to be not ok; and with an honest server
behind the same front all of them are ok.
"""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.roll.faults import EVERYTHING, Plan, tampering
from tests.roll.judging import DEPLOY, Story, Terms, Verdict, tell
from tests.roll.judging.delivery import events, publishes
from tests.roll.judging.exits import exit_statuses, exit_times
from tests.roll.judging.presence import quiet_presence, removed_once, rosters
from tests.roll.judging.returning import (
    attempts_per_loss,
    close_codes,
    never_back,
    offline_gaps,
    reconnects_in_a_second,
    refused_handshakes,
)
from tests.roll.scenarios import Outcome
from tests.roll.size import SHORT, Size
from tests.roll.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.roll.judging.lines import Line

SIZE = dataclasses.replace(SHORT, real=18, light=60, settle=0.5, delist_after=0.3)
GRACE = 4.0
BROKEN = {
    # All at once, where a pace was agreed; and nobody's place is kept.
    "SHOAL_DRAIN_RATE": "1000",
    "SHOAL_HOLD_LEAVING": "0",
}
HANGING = {"SHOAL_SETTLE": "60", "SHOAL_GRACE": "120"}
"""Leaves much later than was agreed."""


async def break_everything() -> Story:
    """Return what happened."""
    async with Stage(SIZE, BROKEN, plan=EVERYTHING) as stage:
        stage.front.arm()
        old, hanging = stage.nodes.running(), await stage.nodes.start(HANGING)
        await stage.nodes.start()
        await asyncio.gather(*(stage.nodes.leave(node) for node in old))
        await stage.nodes.leave(hanging, grace=GRACE)
        await stage.end(after=2.0)
    return tell(stage.log, stage.crowd, Terms(pace=SIZE.pace / 4, grace=GRACE))


# One thing at a time

ONE = dataclasses.replace(
    SHORT, real=12, light=48, leavers=4, pace=10.0, settle=0.5, delist_after=0.3, hold_leaving=2.0
)
_GRACE = 8.0
_AT_A_TIME = 4


def _a_sixth(fault: tampering.Malady) -> tuple[tampering.Malady, ...]:
    return (fault, *(5 * [tampering.nothing]))


@dataclass(frozen=True, slots=True)
class Broken:
    """A server, and which lines of the table have to notice what is wrong with it."""

    name: str
    lines: tuple[Line, ...]
    plan: Plan = field(default_factory=Plan)
    settings: Mapping[str, str] = field(default_factory=dict)

    async def judge(self) -> Verdict:
        """Let one of its nodes leave, and see who notices."""
        async with Stage(ONE, self.settings, plan=self.plan) as stage:
            stage.front.arm()
            await stage.nodes.start()
            await stage.nodes.leave(stage.nodes.running()[0], grace=_GRACE)
            await stage.end(after=ONE.ghosts_after)
        story = tell(stage.log, stage.crowd, Terms(pace=ONE.pace, grace=_GRACE))
        noticed = [line for line in DEPLOY if not line(story).is_ok]
        is_ok = set(self.lines) <= set(noticed) and (bool(self.lines) or not noticed)
        return Verdict(f"a server that {self.name}", _names(self.lines), _names(noticed), is_ok)


def _names(lines: list[Line] | tuple[Line, ...]) -> str:
    return ", ".join(line.__name__ for line in lines) or "nobody"


HONEST = Broken("does all as it should", ())
SERVERS = (
    Broken("tells clients to stay away", (never_back, close_codes), Plan(old=_a_sixth(tampering.closes_for_ever))),
    Broken(
        "tells clients to come back in a second",
        (offline_gaps, close_codes),
        Plan(old=_a_sixth(tampering.closes_for_a_second)),
    ),
    Broken("answers handshakes with 503", (refused_handshakes, never_back), Plan(new=_a_sixth(None))),
    Broken("sends clients away before greeting them", (attempts_per_loss,), Plan(new=_a_sixth(tampering.turns_away))),
    Broken("closes faster than agreed", (reconnects_in_a_second,), settings={"SHOAL_DRAIN_RATE": "1000"}),
    Broken("loses events", (events,), Plan(old=_a_sixth(tampering.loses_events))),
    Broken("tells events twice", (events,), Plan(old=_a_sixth(tampering.doubles_events))),
    Broken("changes the order of events", (events,), Plan(old=_a_sixth(tampering.ExchangesEvents))),
    Broken("fails to answer publishes", (publishes,), Plan(fails_answers=True)),
    Broken("keeps nobody's place", (quiet_presence,), settings={"SHOAL_HOLD_LEAVING": "0"}),
    Broken("keeps places too long", (rosters, removed_once), settings={"SHOAL_HOLD_LEAVING": "300"}),
    Broken("has a wrong roster", (rosters,), Plan(new=_a_sixth(tampering.lies_about_members))),
    Broken("tells removals twice", (removed_once,), Plan(repeats_removals=True)),
    Broken("doesn't leave in time", (exit_statuses, exit_times), settings={"SHOAL_SETTLE": "60", "SHOAL_GRACE": "120"}),
)


IN_SHORT = ("tells clients to stay away", "loses events", "tells events twice", "keeps places too long")
"""Those that are tried for every commit."""


class OneByOne:
    """An honest server, and all of :data:`SERVERS`, as a scenario."""

    title = "servers that are broken: which lines notice"

    def sized(self, size: Size) -> Size:
        return ONE

    async def run(self, size: Size) -> Outcome:
        verdicts = [await HONEST.judge()]
        # There is nothing to be measured about the others.
        for servers in _groups(SERVERS):
            verdicts += await asyncio.gather(*(server.judge() for server in servers))
        return Outcome(verdicts, stalled=0.0)


def _groups(servers: Sequence[Broken]) -> Iterable[Sequence[Broken]]:
    for start in range(0, len(servers), _AT_A_TIME):
        yield servers[start : start + _AT_A_TIME]
