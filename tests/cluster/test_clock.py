"""A node whose clock is wrong by an hour does what the others do: only Redis' clock matters."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster.api import Api
from tests.cluster.nodes import Cluster
from tests.cluster.presence import CHANNEL, all_know, complaints, join
from tests.cluster.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.observer import Crowd

pytestmark = pytest.mark.cluster

OFF = (0.0, 3600.0, -3600.0)
BEATS, HOLD = 5.0, 2.0
FOLDER = Path(__file__).parent / "wrong_clock"


async def test_wrong_clocks_make_no_difference(crowd: Crowd, measured: Callable[[str], None]) -> None:
    loop = asyncio.get_running_loop()
    per_node = {number: {"PYTHONPATH": str(FOLDER), "SECONDS_OFF": str(off)} for number, off in enumerate(OFF)}
    with Cluster(3, per_node=per_node, settings={"SHOAL_HOLD_UNCLEAN": str(HOLD)}) as cluster:
        apis = [Api(node, clock_shift=off) for node, off in zip(cluster.nodes, OFF, strict=True)]
        members = [one for member in cluster.members for one in await join(crowd, member.node, [f"on {member.name}"])]
        for member in members:
            await member.subscribe("private-news")
            await member.sign_in("victim")
        await eventually(lambda: all_know(members, {one.name for one in members}), "all have joined")
        told = {one: len(one.attended[CHANNEL].changes) for one in members}
        # Whoever compared clocks would find the others dead at the next sign of life.
        await asyncio.sleep(BEATS)

        assert all(len(one.attended[CHANNEL].changes) == told[one] for one in members), "somebody was declared dead"
        for number, api in enumerate(apis):
            assert (await api.publish("private-news", f"through {number}")).status == 200
        news = [f"through {number}" for number in range(len(apis))]
        await eventually(lambda: all(one.attended["private-news"].data == news for one in members), "delivered")

        # A hold begins on a node that lives in the future, and is collected by whichever.
        dropped, began = members.pop(1), loop.time()
        dropped.drop()
        await eventually(lambda: all_know(members, {one.name for one in members}), "the hold ends")
        held = loop.time() - began
        assert held >= HOLD - 0.1
        assert complaints(members, {one.name for one in members}) == []
        assert (await apis[2].ask("POST", "/users/victim/terminate_connections", {})).status == 200
        await eventually(lambda: all(one.code == 4009 for one in members), "all are terminated")
        for api in apis:
            await api.close()
        measured(f"clocks off by {OFF} s; a hold of {HOLD} s ended after {held:.1f} s")
