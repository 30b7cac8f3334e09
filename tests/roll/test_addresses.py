"""A wave of returning clients is no attack: 1,000 of them behind one address, in a rolling restart, none refused."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING

import pytest

from tests.roll.judging import Terms, tell
from tests.roll.judging.returning import attempts_per_loss, never_back, refused_handshakes
from tests.roll.size import SHORT
from tests.roll.stage import Stage

if TYPE_CHECKING:
    from tests.harness import RunningNode
    from tests.roll.judging import Story

pytestmark = pytest.mark.roll

CROWD = dataclasses.replace(
    SHORT, nodes=3, real=0, light=1_000, leavers=0, visitors=0, arrivals=200.0, events=5.0, pace=100.0
)
# All clients come through the balancer, and so from 127.0.0.1. One handshake a second pays for none of them: what lets
# them in is that as many may come at once as a node takes at all.
LIMITS = {
    "SHOAL_MAX_HANDSHAKES_PER_SECOND_PER_IP": "1",
    "SHOAL_MAX_CONNECTIONS_PER_IP": "1000",
    "SHOAL_MAX_CONNECTIONS": "1000",
}


async def _restart_one_by_one() -> tuple[Story, float]:
    """Replace each node by a new one; return what clients saw, and how many handshakes nodes refused for an address."""
    refused = 0.0
    async with Stage(CROWD, LIMITS) as stage:
        for old in stage.nodes.running():
            await stage.nodes.start()
            refused += _refused_for_address(old.process)
            await stage.nodes.leave(old)
        await stage.end(after=2.0)
        refused += sum(_refused_for_address(node.process) for node in stage.nodes.running())
    terms = Terms(pace=CROWD.pace, grace=CROWD.grace, undelayed=CROWD.undelayed)
    return tell(stage.log, stage.crowd, terms), refused


def _refused_for_address(node: RunningNode) -> float:
    reasons = ("address_rate", "address_connections", "node_connections")
    return sum(node.metric("shoal_handshakes_refused_total", reason=reason) for reason in reasons)


def test_a_thousand_clients_of_one_address_come_back_through_the_limits_of_addresses() -> None:
    story, refused = asyncio.run(_restart_one_by_one())
    assert refused == 0
    for verdict in (refused_handshakes(story), never_back(story), attempts_per_loss(story)):
        assert verdict.is_ok, verdict
    # Each lost its connection at least once.
    lost = sum(story.is_lost(visit) for visit in story.all_visits())
    assert lost >= 1_000
