"""What applications may spend in the cluster, drawn from a real Redis: how exactly, at what cost, and without it."""

from __future__ import annotations

import asyncio
import random
import re
from typing import TYPE_CHECKING

from adapter.redis.allowances.rates import AWAY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.adapter.redis.conftest import Node
    from tests.adapter.redis.servers import Server

    Start = Callable[[str], Awaitable[Node]]


def scripts_run(server: Server) -> int:
    """Return how many scripts the server has run."""
    found = re.search(r"cmdstat_evalsha:calls=(\d+)", server.command("INFO", "commandstats"))
    return int(found[1]) if found else 0


async def spend(node: Node, amount: int = 1, rate: int = 1000) -> bool:
    return (await node.adapter.spend("app", "events", amount, rate)).is_granted


async def test_nodes_that_spend_at_random_stay_within_the_bound_and_use_what_there_is(
    server: Server, start: Start
) -> None:
    nodes = [await start(server.url) for _ in range(3)]
    loop, rate, chance = asyncio.get_running_loop(), 200, random.Random(5)
    # When it was asked for, when it was granted, and how much.
    granted: list[tuple[float, float, int]] = []
    began = loop.time()
    # Seconds in which this process stood still for longer than an allowance takes to fill.
    lost = 0.0

    async def back_end() -> None:
        """Spend now on this node and now on that one, in bursts and with pauses; together far above the rate."""
        while loop.time() - began < 4.0:
            node, amount = chance.choice(nodes), chance.choice([1, 1, 1, 5, 40])
            for _ in range(chance.randint(1, 20)):
                asked_at = loop.time()
                if await spend(node, amount, rate):
                    granted.append((asked_at, loop.time(), amount))
            await asyncio.sleep(chance.uniform(0, 0.2))

    async def notice_stalls() -> None:
        nonlocal lost
        while True:
            before = loop.time()
            await asyncio.sleep(0.1)
            lost += max(0.0, loop.time() - before - 1.0)

    noticing = asyncio.create_task(notice_stalls())
    await asyncio.gather(*(back_end() for _ in range(10)))
    noticing.cancel()
    seconds = loop.time() - began - lost
    assert sum(amount for _, _, amount in granted) > 0.6 * rate * seconds
    # A Redis that stands still is away, and what nodes then grant by themselves comes on top.
    by_themselves = any(known.share._at for node in nodes for known in node.adapter._rates._rates.values())
    granted.sort()
    for index, (start_at, _, _) in enumerate(granted):
        total = 0
        for at, amount in sorted((at, amount) for _, at, amount in granted[index:]):
            total += amount
            assert total <= rate * (at - start_at + 2 + by_themselves) + 40


async def test_what_a_request_costs_redis_does_not_depend_on_their_number(server: Server, start: Start) -> None:
    node = await start(server.url)
    before = scripts_run(server)
    began = asyncio.get_running_loop().time()
    for _ in range(20_000):
        assert await spend(node, rate=1_000_000)
    seconds = asyncio.get_running_loop().time() - began
    # Beats, probes and what else nodes do is in here too.
    assert scripts_run(server) - before < 20 + 10 * seconds


async def test_refusals_cost_redis_a_few_questions_a_second(server: Server, start: Start) -> None:
    node = await start(server.url)
    before, refused = scripts_run(server), 0
    began = asyncio.get_running_loop().time()
    while refused < 2_000 or asyncio.get_running_loop().time() - began < 1.0:
        refused += not await spend(node, rate=100)
        await asyncio.sleep(0)
    seconds = asyncio.get_running_loop().time() - began
    assert scripts_run(server) - before < 30 + seconds * 35


async def test_an_application_that_nobody_spends_from_costs_nothing(server: Server, start: Start) -> None:
    node = await start(server.url)
    await spend(node)
    key = f"{node.adapter._shards[0].keys.allowance('app', 'events')}"
    assert ":1" in server.command("EXISTS", key)
    async with asyncio.timeout(20):
        while ":1" in server.command("EXISTS", key):  # noqa: ASYNC110 - Redis doesn't tell
            await asyncio.sleep(0.05)


async def test_nodes_with_equal_traffic_get_equal_parts_of_what_is_too_little(server: Server, start: Start) -> None:
    nodes = [await start(server.url) for _ in range(2)]
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def granted_to(node: Node) -> int:
        total = 0
        while loop.time() - began < 4.0:
            total += await spend(node, rate=400)
            await asyncio.sleep(0.001)
        return total

    one, other = await asyncio.gather(*(granted_to(node) for node in nodes))
    assert 0.5 < one / other < 2.0


async def test_lower_limit_does_not_wait_for_what_was_spent_at_a_higher_one(server: Server, start: Start) -> None:
    node = await start(server.url)
    for _ in range(20):
        await spend(node, 1_000, rate=10_000)
    # A portion that it holds lapses after a second; from then on it is the lower limit that counts.
    await asyncio.sleep(1.1)
    granted = [await spend(node, 1, rate=10) for _ in range(10)]
    assert any(granted), "an allowance of ten a second is full in a second"
    assert ":1" in server.command("EXISTS", node.adapter._shards[0].keys.allowance("app", "events"))
    for _ in range(20):
        await spend(node, 1, rate=10)
    told = await node.adapter.spend("app", "events", 1, 10)
    assert max(told.wait, told.reset) < 3.0


async def test_while_redis_is_away_each_node_grants_its_even_share(own_server: Server, start: Start) -> None:
    one, other = await start(own_server.url), await start(own_server.url)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(20):
        while not (one.adapter._identity.peers and other.adapter._identity.peers):  # noqa: ASYNC110 - told by beats
            await asyncio.sleep(0.05)
    for _ in range(100):
        await spend(one, rate=100)
    own_server.kill()
    began, total = loop.time(), 0
    async with asyncio.timeout(30):
        while total < 300:
            total += await spend(one, rate=100)
            total += await spend(other, rate=100)
            await asyncio.sleep(0.005)
            # A bucket's worth, and what comes in the time.
            assert total <= 100 * (loop.time() - began + 2)


async def test_when_redis_is_back_it_is_asked_again(own_server: Server, start: Start) -> None:
    node = await start(own_server.url)
    own_server.kill()
    assert await spend(node, 40, rate=100)
    own_server.start()
    key = node.adapter._shards[0].keys.allowance("app", "events")
    async with asyncio.timeout(20 + AWAY):
        while ":0" in own_server.command("EXISTS", key):
            await spend(node, 1, rate=100)
            await asyncio.sleep(0.05)


async def test_a_redis_that_does_not_answer_delays_a_request_for_a_second_only(
    own_server: Server, start: Start
) -> None:
    node = await start(own_server.url)
    own_server.pause()
    try:
        async with asyncio.timeout(20):
            assert await spend(node, 10, rate=100)
        at_once = node.adapter.spend("app", "events", 10, 100)
        assert at_once.done()
        assert at_once.result().is_granted
    finally:
        own_server.go_on()


async def test_a_redis_that_refuses_to_write_is_as_good_as_away(own_server: Server, start: Start) -> None:
    node = await start(own_server.url)
    own_server.command("CONFIG", "SET", "maxmemory", "1mb")
    try:
        assert [await spend(node, 1, rate=4) for _ in range(6)] == [True] * 4 + [False] * 2
        assert ":0" in own_server.command("EXISTS", node.adapter._shards[0].keys.allowance("app", "events"))
    finally:
        own_server.command("CONFIG", "SET", "maxmemory", "0")
