"""Users come and go on three nodes while nodes, links and Redis fail at random: presence stays true."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.cluster.faults import draw_faults, strike
from tests.cluster.nodes import Cluster
from tests.cluster.population import Population
from tests.cluster.presence import all_know, rosters
from tests.cluster.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.cluster

SHORT = 20.0
CONVERGED_WITHIN = 40.0
"""Seconds after the last fault: dead nodes are found out about ten seconds after Redis has been well for ten."""


async def test_presence_stays_true(
    seed: int, seconds: Callable[[float], float], measured: Callable[[str], None]
) -> None:
    duration = seconds(SHORT)
    users, tabs = (50, 3) if duration > SHORT else (15, 2)
    faults = draw_faults(seed, seconds=duration, members=3)
    print("faults:", *faults, sep="\n  ")
    with Cluster(3, settings={"SHOAL_HOLD_UNCLEAN": "2"}) as cluster:
        population = Population(cluster, users=users, tabs=tabs, seed=seed)
        population.begin()
        await asyncio.gather(strike(cluster, faults), asyncio.sleep(duration))
        await population.settle()

        async def is_converged() -> bool:
            truth = population.truth()
            return all_know(population.present, truth) and await rosters(cluster.nodes) == [truth] * 3

        took = CONVERGED_WITHIN
        with suppress(AssertionError):
            took = await eventually(is_converged, "everybody knows who is there", CONVERGED_WITHIN)
        try:
            population.judge_present()
            population.judge_rosters(await rosters(cluster.nodes))
        finally:
            print(f"{len(population.complaints)} complaints:", *population.complaints[:50], sep="\n  ")
            print(*(f"{member.name}: {member.node.log()[-2000:]}" for member in cluster.members), sep="\n")
            await population.leave()
        assert population.complaints == []
        measured(f"{len(faults)} faults, {population.visits} visits, {population.told} changes told")
        measured(f"converged {took:.1f} s after the last fault")
