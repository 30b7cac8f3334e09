"""Users come and go on three nodes while nodes, links and Redis fail at random: presence stays true."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.cluster.faults import draw_faults, strike
from tests.cluster.nodes import Cluster
from tests.cluster.population import Population
from tests.cluster.presence import CHANNEL, all_know, rosters
from tests.cluster.told import check_told
from tests.cluster.waiting import eventually
from tests.harness.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.cluster

SHORT = 20.0
SETTINGS = {"SHOAL_HOLD_UNCLEAN": "2", "SHOAL_WEBHOOK_DEBOUNCE": "1"}
CONVERGED_WITHIN = 60.0
"""Seconds after the last fault: dead nodes are found out about ten seconds after Redis has been well for ten."""


async def test_presence_stays_true(
    seed: int, seconds: Callable[[float], float], measured: Callable[[str], None]
) -> None:
    with Cluster(3, settings=SETTINGS) as cluster:
        await _live_through(cluster, seed, seconds(SHORT), measured)


async def test_back_ends_are_told_each_change_once(
    seed: int, seconds: Callable[[float], float], measured: Callable[[str], None]
) -> None:
    # A Redis that forgets when it is killed forgets what back ends have yet to be told.
    keeps = ("--appendonly", "yes", "--appendfsync", "always")
    with Receiver() as receiver:
        events = ["channel_occupied", "channel_vacated", "member_added", "member_removed"]
        app = {"webhooks": [{"url": receiver.url(), "event_types": events}]}
        with Cluster(3, settings=SETTINGS, app=app, server_options=keeps) as cluster:
            present = await _live_through(cluster, seed, seconds(SHORT), measured)
            with suppress(AssertionError):
                await eventually(lambda: not check_told(receiver.accepted_of(CHANNEL), present), "all is told", 60.0)
            complaints = check_told(receiver.accepted_of(CHANNEL), present)
            print(f"{len(complaints)} complaints:", *complaints[:50], sep="\n  ")
            assert complaints == []
            told = receiver.accepted_of(CHANNEL)
            measured(f"{len(dict(told))} changes told by webhooks, {len(told) - len(dict(told))} of them again")


async def _live_through(cluster: Cluster, seed: int, duration: float, measured: Callable[[str], None]) -> set[str]:
    """Have users come and go while things fail; return who is there in the end, who go only when all is judged."""
    users, tabs = (50, 3) if duration > SHORT else (15, 2)
    faults = draw_faults(seed, seconds=duration, members=3)
    print("faults:", *faults, sep="\n  ")
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
    population.judge_present()
    population.judge_rosters(await rosters(cluster.nodes))
    print(f"{len(population.complaints)} complaints:", *population.complaints[:50], sep="\n  ")
    print(*(f"{member.name}: {member.node.log()[-2000:]}" for member in cluster.members), sep="\n")
    assert population.complaints == []
    measured(f"{len(faults)} faults, {population.visits} visits, {population.told} changes told")
    measured(f"converged {took:.1f} s after the last fault")
    return population.truth()
