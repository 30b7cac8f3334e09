"""A node that stood still for so long that the others declared it dead finds its way back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.cluster.api import Api
from tests.cluster.nodes import Cluster
from tests.cluster.presence import CHANNEL, all_know, complaints, join, rosters
from tests.cluster.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.observer import Crowd

pytestmark = pytest.mark.cluster

STOPPED = 15.0


async def test_stopped_node_is_reaped_and_comes_back(
    crowd: Crowd, promised: Callable[[str, float, float], None]
) -> None:
    with Cluster(3) as cluster:
        stopped, *others = cluster.members
        here = await join(crowd, stopped.node, [f"here-{number}" for number in range(20)])
        elsewhere = [one for member in others for one in await join(crowd, member.node, [f"on-{member.name}"])]
        inside, outside = {one.name for one in here}, {one.name for one in elsewhere}
        for one in [*here, *elsewhere]:
            await one.subscribe("private-news")
        await eventually(lambda: all_know([*here, *elsewhere], inside | outside), "all have joined")

        stopped.pause()
        reaped = await eventually(lambda: all_know(elsewhere, outside), "its members are removed")
        async with Api(others[0].node) as api:
            assert (await api.publish("private-news", "missed by nobody")).status == 200
        await asyncio.sleep(max(1.0, STOPPED - reaped))
        stopped.go_on()
        back = await eventually(lambda: all_know(elsewhere, inside | outside), "its members are back")
        await eventually(lambda: all_know(here, inside | outside), "it knows everybody")

        assert complaints([*here, *elsewhere], inside | outside) == []
        for one in elsewhere:
            changes = one.attended[CHANNEL].changes
            assert sum(not has_come for has_come, _ in changes) == len(here)
            assert {user for has_come, user in changes if not has_come} == inside
        for users in await rosters(cluster.nodes):
            assert users == inside | outside
        assert not crowd.lost()
        await eventually(
            lambda: all(one.attended["private-news"].data == ["missed by nobody"] for one in [*here, *elsewhere]),
            "the event is delivered once",
        )
        promised("members of a stopped node are removed", reaped, 13.0)
        promised("they are back once it goes on", back, 3.0)
