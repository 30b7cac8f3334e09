"""The command to end a user's connections reaches all nodes, also one that was cut off when it was given."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.cluster.api import Api
from tests.cluster.nodes import Cluster
from tests.cluster.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.observer import Crowd

pytestmark = pytest.mark.cluster

CUT_OFF = 10.0
TERMINATED = 4009
SETTLED = 1.0


async def test_termination_reaches_a_node_that_was_cut_off(crowd: Crowd, measured: Callable[[str], None]) -> None:
    with Cluster(3) as cluster:
        *others, cut_off = cluster.members
        victims = []
        for member in cluster.members:
            for _ in range(3):
                victims.append(await crowd.connect(member.node, f"victim on {member.name}"))
                await victims[-1].sign_in("victim")
        bystander = await crowd.connect(cut_off.node, "bystander")
        await bystander.sign_in("bystander")

        cut_off.link.refuse()
        async with Api(others[0].node) as api:
            assert (await api.ask("POST", "/users/victim/terminate_connections", {})).status == 200
        await eventually(lambda: all(one.code == TERMINATED for one in victims[:6]), "the others close theirs")
        later = await crowd.connect(others[0].node, "came later")
        await later.sign_in("victim")
        await asyncio.sleep(CUT_OFF)
        assert all(one.is_open for one in victims[6:]), "nobody could know"
        cut_off.link.heal()
        took = await eventually(lambda: all(one.code == TERMINATED for one in victims[6:]), "no survivor")

        await asyncio.sleep(SETTLED)
        assert bystander.is_open
        assert later.is_open, "it signed in after the command"
        measured(f"applied {took:.2f} s after the link was mended")
