"""While slots of a Redis Cluster move from master to master, delivery goes on, in the same order, without a loss."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.adapter.redis.masters import Masters
from tests.cluster.nodes import running_nodes
from tests.cluster.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.observer import Crowd

pytestmark = pytest.mark.cluster

SHARDS = 64
PAUSE = 0.1


@pytest.mark.parametrize("way", [Masters.move, Masters.move_at_once], ids=["key by key", "at once"])
async def test_order_survives_moving_slots(
    way: Callable[[Masters, int], None], crowd: Crowd, seed: int, measured: Callable[[str], None]
) -> None:
    with Masters() as redis, running_nodes(redis.url) as nodes:
        slots = [redis.slot_of(f"{{s{shard}}}") for shard in range(SHARDS)]
        async with Traffic(nodes, crowd, channels=20, rate=300.0, seed=seed) as traffic:
            await asyncio.sleep(1.0)
            for slot in slots:
                await asyncio.to_thread(way, redis, slot)
                await asyncio.sleep(PAUSE)
            await asyncio.sleep(1.0)
            await traffic.stop()
            assert await traffic.judgement() == []
        measured(f"{traffic.count} events while {SHARDS} slots moved, answers {dict(traffic.statuses)}")
