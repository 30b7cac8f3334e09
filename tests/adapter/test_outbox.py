"""The contract of :class:`adapter.outbox.Outbox`, held against every adapter."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from adapter.base import topic_of
from adapter.outbox import Wants
from tests.adapter.clusters import OUTBOX, ROOM, LocalCluster, enter, eventually

if TYPE_CHECKING:
    from adapter.base import Topic
    from adapter.outbox import Notice
    from tests.adapter.clusters import Cluster, Node

OTHER = topic_of("app", "presence-other")
UNWANTED = topic_of("deaf", "presence-room")
ALL = Wants.OCCUPANCY | Wants.MEMBERS | Wants.COUNTS
DEBOUNCE = OUTBOX.debounce


@pytest.fixture(autouse=True)
def kept(cluster: Cluster) -> None:
    for node in (cluster.here, cluster.there):
        node.adapter.outbox.keep(lambda topic: Wants.NOTHING if topic == UNWANTED else ALL)


async def taken(node: Node, count: int, *, by: Node | None = None) -> list[Notice]:
    """Take so many notices, from one or both nodes, and settle them; fail if there are more at once."""
    nodes = [node] if by is None or by is node else [node, by]
    found: list[Notice] = []

    async def keep_taking(one: Node) -> None:
        while True:
            for notice in await one.adapter.outbox.take(100):
                found.append(notice)
                one.adapter.outbox.done(notice)

    tasks = [asyncio.create_task(keep_taking(one)) for one in nodes]
    try:

        async def is_enough() -> bool:
            return len(found) >= count

        await eventually(is_enough)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert len(found) == count, found
    return sorted(found, key=lambda notice: notice.at)


def told(notices: list[Notice]) -> list[tuple[Topic, str, str]]:
    return [(notice.topic, notice.kind, notice.user) for notice in notices]


async def all_taken(cluster: Cluster, count: int) -> list[Notice]:
    return await taken(cluster.here, count, by=cluster.there)


async def test_transitions_are_kept_once_whoever_makes_them(cluster: Cluster) -> None:
    await enter(cluster.here, user="u")
    await enter(cluster.there, user="u")
    await enter(cluster.there, user="v")
    notices = await all_taken(cluster, 3)
    assert told(notices) == [(ROOM, "occupied", ""), (ROOM, "joined", "u"), (ROOM, "joined", "v")]
    assert len({notice.id for notice in notices}) == 3


async def test_what_nobody_wants_is_not_kept(cluster: Cluster) -> None:
    await enter(cluster.here, UNWANTED)
    cluster.here.adapter.leave(UNWANTED, "u")
    await enter(cluster.here, OTHER, user=None)
    assert told(await all_taken(cluster, 1)) == [(OTHER, "occupied", "")]


async def test_who_leaves_for_good_is_told_after_a_while(cluster: Cluster) -> None:
    await enter(cluster.here)
    await all_taken(cluster, 2)
    before = time.time()
    cluster.here.adapter.leave(ROOM, "u")
    await cluster.here.told(ROOM, by=cluster.here)
    after = time.time()
    await cluster.wait(DEBOUNCE)
    notices = await all_taken(cluster, 2)
    assert sorted(told(notices)) == [(ROOM, "left", "u"), (ROOM, "vacated", "")]
    # The time is that of leaving.
    assert all(before - 0.1 < notice.at < after + 0.1 for notice in notices)


async def test_who_comes_back_in_time_never_was_away(cluster: Cluster) -> None:
    for user in ("comes back", "stays away"):
        await enter(cluster.here, user=user)
    await all_taken(cluster, 3)
    for user in ("comes back", "stays away"):
        cluster.here.adapter.leave(ROOM, user)
    await cluster.here.told(ROOM, by=cluster.here)
    await enter(cluster.there, user="comes back")
    await cluster.wait(DEBOUNCE)
    assert told(await all_taken(cluster, 1)) == [(ROOM, "left", "stays away")]


async def test_only_what_is_undone_is_not_told(cluster: Cluster) -> None:
    await enter(cluster.here, user="u")
    await all_taken(cluster, 2)
    cluster.here.adapter.leave(ROOM, "u")
    await enter(cluster.here, user="v")
    await cluster.wait(DEBOUNCE)
    assert sorted(told(await all_taken(cluster, 2))) == [(ROOM, "joined", "v"), (ROOM, "left", "u")]


async def test_a_hold_that_lapses_is_a_transition(cluster: Cluster) -> None:
    await enter(cluster.here)
    await all_taken(cluster, 2)
    cluster.here.adapter.leave(ROOM, "u", hold=0.5)
    await cluster.here.told(ROOM, by=cluster.here)
    await enter(cluster.there)
    cluster.there.adapter.leave(ROOM, "u")
    await cluster.wait(2.0)
    await cluster.wait(DEBOUNCE)
    assert sorted(told(await all_taken(cluster, 2))) == [(ROOM, "left", "u"), (ROOM, "vacated", "")]


async def test_what_is_not_settled_is_still_waiting(cluster: Cluster) -> None:
    await enter(cluster.here, user=None)
    first = await _take_one(cluster)
    await eventually(lambda: _waits(cluster, 1))
    for node in (cluster.here, cluster.there):
        node.adapter.outbox.done(first)
    await eventually(lambda: _waits(cluster, 0))


async def test_a_notice_of_a_node_is_carried_as_it_is(cluster: Cluster) -> None:
    payload = b'{"event":"client-x","data":"\xc3\xa9\x00"}'
    cluster.here.adapter.outbox.notify(ROOM, "client_event", payload)
    (notice,) = await all_taken(cluster, 1)
    assert (notice.topic, notice.kind, notice.payload) == (ROOM, "client_event", payload)
    assert 0 <= notice.age < 5


async def test_simultaneous_notices_are_one(cluster: Cluster) -> None:
    for node in (cluster.here, cluster.there, cluster.here):
        node.adapter.outbox.notify(ROOM, "cache_miss", apart=5.0)
    cluster.here.adapter.outbox.notify(OTHER, "cache_miss", apart=5.0)
    assert {notice.topic for notice in await all_taken(cluster, 2)} == {ROOM, OTHER}


async def test_numbers_are_told_as_they_change(cluster: Cluster) -> None:
    await enter(cluster.here, user=None)
    await all_taken(cluster, 1)
    cluster.here.adapter.count(ROOM, 2, announce=True)
    (notice,) = await all_taken(cluster, 1)
    assert (notice.kind, notice.payload) == ("counted", b"2")


async def test_large_numbers_are_told_now_and_then_and_the_last_in_any_case(cluster: Cluster) -> None:
    await enter(cluster.here, user=None)
    await all_taken(cluster, 1)
    cluster.here.adapter.count(ROOM, 1000, announce=True)
    assert (await all_taken(cluster, 1))[0].payload == b"1000"
    for number in (1001, 1002, 1003):
        cluster.here.adapter.count(ROOM, number, announce=True)
        await cluster.wait(0.26)
    await cluster.wait(OUTBOX.interval + 1.0)
    payloads = [(await _take_one(cluster)).payload]
    while payloads[-1] != b"1003":
        payloads.append((await _take_one(cluster)).payload)
    assert len(payloads) < 3


async def test_what_is_postponed_is_handed_out_again_for_one_only(cluster: Cluster) -> None:
    cluster.here.adapter.outbox.notify(ROOM, "client_event", b"\xff\x00")
    first = await _take_one(cluster)
    cluster.here.adapter.outbox.postpone(first, "e1", 1.0)
    cluster.here.adapter.outbox.done(first)
    await cluster.wait(1.5)
    (again,) = await all_taken(cluster, 1)
    assert (again.id, again.payload, again.only) == (first.id, b"\xff\x00", "e1")
    assert again.at == pytest.approx(first.at, abs=0.01)


async def test_dead_letters_are_kept_and_can_be_tried_again(cluster: Cluster) -> None:
    outbox = cluster.here.adapter.outbox
    outbox.notify(ROOM, "client_event", b"\xff")
    first = await _take_one(cluster)
    outbox.bury(first, "e1", "answered 500")
    outbox.done(first)
    await eventually(lambda: _are_buried(cluster, 1))
    (letter,) = await cluster.there.adapter.outbox.buried(10)
    assert (letter.notice.id, letter.notice.only, letter.why) == (first.id, "e1", "answered 500")
    assert letter.notice.payload == b"\xff"
    assert await cluster.there.adapter.outbox.retry([letter.id]) == 1
    assert await cluster.there.adapter.outbox.retry([letter.id, "nonsense", "99-1-0~e1"]) == 0
    (again,) = await all_taken(cluster, 1)
    assert (again.id, again.only) == (first.id, "e1")
    assert again.at >= first.at
    assert await outbox.buried(10) == []


async def test_notices_of_a_topic_are_handed_out_in_order(cluster: Cluster) -> None:
    for number in range(50):
        cluster.here.adapter.outbox.notify(ROOM, "client_event", b"%d" % number)
    notices = await all_taken(cluster, 50)
    assert [int(notice.payload) for notice in notices] == list(range(50))


async def _take_one(cluster: Cluster) -> Notice:
    """Take from whichever node it is that gets the notice."""
    nodes = {id(node): node for node in (cluster.here, cluster.there)}.values()
    tasks = [asyncio.create_task(node.adapter.outbox.take(1)) for node in nodes]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    ((notice,),) = [task.result() for task in done]
    return notice


async def _waits(cluster: Cluster, count: int) -> bool:
    return all(node.adapter.outbox.numbers.waiting == count for node in (cluster.here, cluster.there))


async def _are_buried(cluster: Cluster, count: int) -> bool:
    return len(await cluster.there.adapter.outbox.buried(10)) == count


async def test_a_node_that_is_alone_tells_all_before_it_ends() -> None:
    async with LocalCluster() as cluster:
        outbox = cluster.here.adapter.outbox
        outbox.keep(lambda topic: ALL)
        await enter(cluster.here)
        cluster.here.adapter.leave(ROOM, "u")
        assert outbox.last_call()
        kinds = [notice.kind for notice in await outbox.take(100)]
        assert kinds == ["occupied", "joined", "left", "vacated"]
