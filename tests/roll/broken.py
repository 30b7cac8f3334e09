"""A run in which everything goes wrong, on the wire and by settings: by it the tests see that the harness notices."""

from __future__ import annotations

import asyncio
import dataclasses

from tests.roll.judging import Story, Terms, tell
from tests.roll.size import SHORT
from tests.roll.stage import Stage

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
    async with Stage(SIZE, BROKEN, is_broken=True) as stage:
        stage.front.arm()
        old, hanging = stage.nodes.running(), await stage.nodes.start(HANGING)
        await stage.nodes.start()
        await asyncio.gather(*(stage.nodes.leave(node) for node in old))
        await stage.nodes.leave(hanging, grace=GRACE)
        await stage.end(after=2.0)
    return tell(stage.log, stage.crowd, Terms(pace=SIZE.pace / 4, grace=GRACE))
