"""One order on all nodes, each event once, also when the link of a node to Redis breaks meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.cluster.faults import draw_faults, strike
from tests.cluster.nodes import Cluster
from tests.cluster.traffic import Traffic
from tests.cluster.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.observer import Crowd

pytestmark = pytest.mark.cluster

CHANNELS, RATE = 20, 500.0
CUT, BLACK_HOLE = 5.0, 15.0


async def test_all_nodes_show_the_same_order(
    crowd: Crowd, seed: int, seconds: Callable[[float], float], measured: Callable[[str], None]
) -> None:
    # Whatever this machine does to Redis, nobody is refused.
    with Cluster(3, settings={"SHOAL_REDIS_PATIENCE": "20"}) as cluster:
        async with Traffic(cluster.nodes, crowd, channels=CHANNELS, rate=RATE, seed=seed) as traffic:
            await asyncio.sleep(seconds(6.0))
            await traffic.stop()
            assert await traffic.judgement() == []
        assert set(traffic.statuses) == {200}
        measured(f"{traffic.count} events, each seen by {len(traffic.observers)} observers on 3 nodes")


async def test_order_survives_a_broken_link(
    crowd: Crowd, seed: int, measured: Callable[[str], None], promised: Callable[[str, float, float], None]
) -> None:
    with Cluster(3) as cluster:
        member = cluster.members[1]
        link = member.link
        async with Traffic(cluster.nodes, crowd, channels=CHANNELS, rate=RATE, seed=seed) as traffic:
            await asyncio.sleep(1.0)
            link.refuse()
            await asyncio.sleep(CUT)
            link.heal()
            back = await eventually(lambda: member.is_linked, "link is up again")
            await asyncio.sleep(1.0)
            link.black_hole()
            noticed = await eventually(lambda: not member.is_linked, "black hole is noticed")
            await asyncio.sleep(max(1.0, BLACK_HOLE - noticed))
            link.heal()
            back_again = await eventually(lambda: member.is_linked, "link is up again")
            await asyncio.sleep(1.0)
            await traffic.stop()
            assert await traffic.judgement() == []
        assert member.gaps() == 0
        measured(f"{traffic.count} events, answers {dict(traffic.statuses)}")
        promised("a black hole is noticed", noticed, 6.0)
        measured(f"the link is used again {back:.2f} s and {back_again:.2f} s after it was mended")


async def test_order_survives_whatever_links_and_nodes_do(
    crowd: Crowd, seed: int, seconds: Callable[[float], float], measured: Callable[[str], None]
) -> None:
    duration = seconds(10.0)
    # Dead nodes lose their clients, and a Redis that ends without persistence its events: neither is promised.
    faults = draw_faults(seed, seconds=duration, members=3, spare=("kill", "restart"))
    print("faults:", *faults, sep="\n  ")
    with Cluster(3) as cluster:
        async with Traffic(cluster.nodes, crowd, channels=CHANNELS, rate=RATE, seed=seed) as traffic:
            await asyncio.gather(strike(cluster, faults), asyncio.sleep(duration))
            await traffic.stop()
            assert await traffic.judgement() == []
        measured(f"{len(faults)} faults, {traffic.count} events, answers {dict(traffic.statuses)}")
