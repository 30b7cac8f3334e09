"""When another Redis takes over, delivery goes on soon, in the same order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.cluster.api import Api
from tests.cluster.nodes import running_nodes
from tests.cluster.sentinel import Watched
from tests.cluster.traffic import Traffic
from tests.cluster.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.cluster.observer import Crowd
    from tests.harness import RunningNode

pytestmark = pytest.mark.cluster

RESUMED_WITHIN = 5.0
NOT_REPLICATED = 0.05
"""Seconds of traffic that a primary may not have handed on to its replica when it is killed."""


async def test_delivery_goes_on_after_a_failover(crowd: Crowd, seed: int, measured: Callable[[str], None]) -> None:
    with Watched() as redis, running_nodes(redis.url) as nodes:
        rate = 300.0
        async with Traffic(nodes, crowd, channels=20, rate=rate, seed=seed) as traffic:
            await asyncio.sleep(2.0)
            redis.primary.kill()
            await eventually(redis.is_promoted, "the replica is promoted", 15.0)
            resumed = await eventually(lambda: _accept(nodes), "all nodes accept events again", 15.0)
            await asyncio.sleep(2.0)
            await traffic.stop()
            await asyncio.sleep(1.0)
        complaints = traffic.complaints()
        # Redis replicates after it has answered: this is what a failover can cost, and nothing else.
        costs = [one for one in complaints if one.kind in {"lost", "duplicate"}]
        affected = {one.detail.split(",")[0] for one in costs}
        measured(
            f"accepted again {resumed:.1f} s after the promotion; {len(affected)} of {traffic.count} events affected"
        )
        assert [one for one in complaints if one not in costs] == []
        assert len(affected) <= rate * NOT_REPLICATED
        assert resumed <= RESUMED_WITHIN


async def _accept(nodes: Sequence[RunningNode]) -> bool:
    for node in nodes:
        async with Api(node) as api, asyncio.timeout(3.0):
            if (await api.publish("private-probe", "")).status != 200:
                return False
    return True
