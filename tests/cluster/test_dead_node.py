"""A node that is gone without a word takes its members with it: each once, in time, and none stays."""

from __future__ import annotations

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

MEMBERS = 500


async def test_members_of_a_killed_node_are_removed_once(
    crowd: Crowd, promised: Callable[[str, float, float], None]
) -> None:
    with Cluster(3) as cluster:
        dead, *alive = cluster.members
        staying = await join(crowd, alive[0].node, ["stays-1"]) + await join(crowd, alive[1].node, ["stays-2"])
        # Who has a connection elsewhere stays too.
        await join(crowd, alive[0].node, ["both"])
        victims = {f"victim-{number}" for number in range(MEMBERS)}
        await join(crowd, dead.node, [*victims, "both"])
        await (await crowd.connect(dead.node)).subscribe("only-there")
        truth = {"stays-1", "stays-2", "both"}
        await eventually(lambda: all_know(staying, truth | victims), "all have joined")

        dead.kill()
        took = await eventually(lambda: all_know(staying, truth), "victims are removed")

        for observer in staying:
            removed = [user for has_come, user in observer.attended[CHANNEL].changes if not has_come]
            assert len(removed) == MEMBERS
            assert set(removed) == victims
        assert complaints(staying, truth) == []
        for users in await rosters(member.node for member in alive):
            assert users == truth
        async with Api(alive[0].node) as api:
            # Shards are cleaned up one after another, and each channel has its own.
            await eventually(lambda: _tells(api, [CHANNEL]), "the channel that was only there is vacated")
        promised(f"{MEMBERS} members of a killed node are removed", took, 13.0)


async def _tells(api: Api, channels: list[str]) -> bool:
    return list((await api.ask("GET", "/channels")).value["channels"]) == channels
