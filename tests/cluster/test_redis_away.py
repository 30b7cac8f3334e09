"""While Redis is gone, and all that it knew: nobody is dropped, nobody is declared gone, publishers are told."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.cluster.api import Api
from tests.cluster.nodes import Cluster
from tests.cluster.presence import CHANNEL, all_know, complaints, join, rosters
from tests.cluster.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.cluster.observer import Crowd, Observer
    from tests.harness import RunningNode

pytestmark = pytest.mark.cluster

AWAY = 10.0
REGISTERED = 11.0
"""For which nodes wait at most for each other after Redis was emptied."""
UNREACHABLE = 11.0
"""Longer than after which a silent node is dead."""
BEAT = 2.5
"""Seconds in which every node looks at the others once."""
PATIENCE = 2.0
"""Seconds that a publish waits for Redis."""


async def test_nobody_is_gone_because_redis_is(crowd: Crowd, promised: Callable[[str, float, float], None]) -> None:
    with Cluster(3) as cluster:
        nodes = cluster.nodes
        users = [[f"user-{i}-{j}" for j in range(5)] for i in range(len(nodes))]
        everybody = [one for node, names in zip(nodes, users, strict=True) for one in await join(crowd, node, names)]
        truth = {one.name for one in everybody}
        for one in everybody:
            await one.subscribe("private-news")
        await eventually(lambda: all_know(everybody, truth), "all have joined")

        known = {one: len(one.attended[CHANNEL].changes) for one in everybody}
        cluster.redis.kill()
        back_at = asyncio.get_running_loop().time() + AWAY
        await asyncio.gather(*(_expect_refusal(node) for node in nodes))
        leaving, staying = everybody[0], everybody[1:]
        await leaving.close()
        newcomer = await crowd.connect(nodes[1], "newcomer")
        newcomer.ask_to_subscribe(CHANNEL, user="newcomer")
        await asyncio.sleep(back_at - asyncio.get_running_loop().time())
        assert all(len(one.attended[CHANNEL].changes) == known[one] for one in staying), "told what nobody can know"
        assert crowd.lost() == [f"{leaving.name}: 1000"]

        cluster.redis.start()
        truth = truth - {leaving.name} | {"newcomer"}
        took = await eventually(lambda: _is_converged(nodes, staying, truth), "converged")
        promised("all is as it was once Redis is back, empty,", took, 5.0)
        assert complaints([*staying, newcomer], truth) == []
        for one in staying:
            news = one.attended[CHANNEL].changes[known[one] :]
            assert sorted(news) == [(False, leaving.name), (True, "newcomer")], "told of who never left"
        await _expect_delivery(nodes, staying)


async def test_nodes_that_come_back_at_different_times_learn_of_each_other(crowd: Crowd) -> None:
    with Cluster(3) as cluster:
        new, late, shaky = cluster.members
        await join(crowd, new.node, ["on the dead node"])
        leaving, *here = await join(crowd, late.node, ["leaves meanwhile", "late"])
        here += await join(crowd, shaky.node, ["shaky"])
        await asyncio.sleep(BEAT)

        cluster.redis.kill()
        new.kill()
        late.link.refuse()
        shaky.link.refuse()
        await leaving.close()
        cluster.redis.start()
        # The first that uses the empty Redis has never known it otherwise.
        await asyncio.to_thread(cluster.replace, new)
        here += await join(crowd, new.node, ["new"])
        late.link.heal()
        shaky.link.heal()
        await asyncio.sleep(1.5)
        shaky.link.refuse()
        # The others don't wait for the dead node any more when it is back.
        await asyncio.sleep(REGISTERED)
        shaky.link.heal()

        truth = {one.name for one in here}
        with suppress(AssertionError):
            await eventually(lambda: all_know(here, truth), "all know each other")
        assert complaints(here, truth) == []
        assert await rosters(cluster.nodes) == [truth] * 3


async def test_nobody_is_gone_because_no_node_reached_redis(crowd: Crowd) -> None:
    with Cluster(3) as cluster:
        members = [one for node in cluster.nodes for one in await join(crowd, node, [f"at-{node.port}"])]
        truth = {one.name for one in members}
        await eventually(lambda: all_know(members, truth), "all have joined")
        known = {one: len(one.attended[CHANNEL].changes) for one in members}

        # The first that is back sees the others' last signs of life, which are as old as those of dead nodes.
        for member in cluster.members:
            member.link.refuse()
        await asyncio.sleep(UNREACHABLE)
        cluster.members[0].link.heal()
        # One that is new has not been there, and must not think that the others are dead. They are by right if all this
        # takes more than 10 seconds, on a machine that has much else to do: so it is begun at once.
        await asyncio.to_thread(cluster.add)
        await asyncio.sleep(BEAT)
        for member in cluster.members[1:3]:
            member.link.heal()
        await eventually(lambda: all(member.is_linked for member in cluster.members), "all are back")
        await asyncio.sleep(BEAT)

        assert all(len(one.attended[CHANNEL].changes) == known[one] for one in members), "somebody was declared dead"
        assert await rosters(cluster.nodes) == [truth] * 4
        assert not crowd.lost()


async def _expect_refusal(node: RunningNode) -> None:
    started = asyncio.get_running_loop().time()
    async with Api(node) as api:
        answer = await api.publish("private-news", "while away")
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert (await api.ask("GET", "/channels")).status == 503
    assert asyncio.get_running_loop().time() - started >= PATIENCE


async def _is_converged(nodes: Sequence[RunningNode], observers: Sequence[Observer], truth: set[str]) -> bool:
    return all_know(observers, truth) and all(users == truth for users in await rosters(nodes))


async def _expect_delivery(nodes: Sequence[RunningNode], observers: Sequence[Observer]) -> None:
    for number, node in enumerate(nodes):
        async with Api(node) as api:
            assert (await api.publish("private-news", f"after {number}")).status == 200
    news = [f"after {number}" for number in range(len(nodes))]
    await eventually(lambda: all(one.attended["private-news"].data[-3:] == news for one in observers), "delivered")
