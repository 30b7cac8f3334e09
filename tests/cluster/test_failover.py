"""When another Redis takes over, delivery goes on soon, in the same order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.adapter.redis.masters import Masters
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

RATE = 300.0
NOT_REPLICATED = 0.05
"""Seconds of traffic that a primary may not have handed on to its replica when it is killed."""


async def test_delivery_goes_on_after_a_failover(
    crowd: Crowd, seed: int, measured: Callable[[str], None], promised: Callable[[str, float, float], None]
) -> None:
    with Watched() as redis, running_nodes(redis.url) as nodes:
        async with Traffic(nodes, crowd, channels=20, rate=RATE, seed=seed) as traffic:
            await asyncio.sleep(2.0)
            redis.primary.kill()
            await eventually(redis.is_promoted, "the replica is promoted")
            resumed = await eventually(lambda: _accept(nodes), "all nodes accept events again")
            await asyncio.sleep(2.0)
            await traffic.stop()
            await asyncio.sleep(1.0)
        promised("events are accepted again, once there is another primary,", resumed, 5.0)
        _judge(traffic, measured)


async def test_delivery_goes_on_after_a_master_of_a_cluster_has_failed(
    crowd: Crowd, seed: int, measured: Callable[[str], None], promised: Callable[[str, float, float], None]
) -> None:
    with Masters(with_replicas=True) as redis, running_nodes(redis.url) as nodes:
        async with Traffic(nodes, crowd, channels=20, rate=RATE, seed=seed) as traffic:
            await asyncio.sleep(2.0)
            redis.servers[0].kill()
            await eventually(lambda: redis.is_promoted(0), "the replica is promoted")
            resumed = await eventually(lambda: _accept_everywhere(nodes), "all nodes accept all events again")
            await asyncio.sleep(2.0)
            await traffic.stop()
            await asyncio.sleep(1.0)
        promised("events are accepted again, once there is another primary,", resumed, 5.0)
        _judge(traffic, measured)


def _judge(traffic: Traffic, measured: Callable[[str], None]) -> None:
    complaints = traffic.complaints()
    # Redis replicates after it has answered: this is what a failover can cost, and nothing else.
    costs = [one for one in complaints if one.kind in {"lost", "duplicate"}]
    affected = {one.detail.split(",")[0] for one in costs}
    measured(f"{len(affected)} of {traffic.count} events affected")
    assert [one for one in complaints if one not in costs] == []
    assert len(affected) <= RATE * NOT_REPLICATED


async def _accept_everywhere(nodes: Sequence[RunningNode]) -> bool:
    """Tell whether events for channels of many shards are accepted."""
    for node in nodes:
        async with Api(node) as api, asyncio.timeout(3.0):
            for number in range(20):
                if (await api.publish(f"private-probe-{number}", "")).status != 200:
                    return False
    return True


async def _accept(nodes: Sequence[RunningNode]) -> bool:
    for node in nodes:
        async with Api(node) as api, asyncio.timeout(3.0):
            if (await api.publish("private-probe", "")).status != 200:
                return False
    return True
