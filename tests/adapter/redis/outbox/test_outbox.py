"""The outbox in Redis: what becomes of notices when nodes and servers come and go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from adapter.base import topic_of
from adapter.outbox import Wants
from adapter.redis import RedisAdapter, RedisOptions
from adapter.redis.outbox.letters import held_back_again, read_letter, read_notice, topic_held_back, write_letter
from adapter.redis.shards import shard_of
from tests.adapter.redis.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapter.outbox import Notice
    from tests.adapter.redis.conftest import Node
    from tests.adapter.redis.servers import Server

ROOM = topic_of("app", "room")


def keep(*nodes: Node) -> None:
    for node in nodes:
        node.adapter.outbox.keep(lambda topic: Wants.OCCUPANCY)


async def take_from_one(*nodes: Node) -> tuple[Node, Notice]:
    """Return who got the next notice, and the notice."""
    tasks = {asyncio.create_task(node.adapter.outbox.take(10)): node for node in nodes}
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=30)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    (task,) = done
    (notice,) = task.result()
    return tasks[task], notice


async def test_a_node_that_signs_off_leaves_to_the_others_what_it_has_not_settled(
    server: Server, prefix: str, start: Callable[[str], Awaitable[Node]]
) -> None:
    leaving = RedisAdapter([server.url], RedisOptions(prefix=prefix))
    await leaving.start(Recorder())
    leaving.outbox.keep(lambda topic: Wants.OCCUPANCY)
    for text in (b"1", b"2"):
        leaving.outbox.notify(ROOM, "client_event", text)
    async with asyncio.timeout(30):
        first, second = await leaving.outbox.take(2)
    leaving.outbox.done(first)
    await leaving.stop()
    staying = await start(server.url)
    keep(staying)
    _, again = await take_from_one(staying)
    assert again.id == second.id


@pytest.mark.cluster
async def test_a_dead_node_leaves_its_notices_to_the_others(
    server: Server, prefix: str, start: Callable[[str], Awaitable[Node]]
) -> None:
    a, b = await start(server.url), await start(server.url)
    keep(a, b)
    a.adapter.outbox.notify(ROOM, "client_event", b"1")
    owner, notice = await take_from_one(a, b)
    other = b if owner is a else a
    # As when it hangs for good: its beats stop, and the other finds that out.
    for task in owner.adapter._upkeep:
        task.cancel()
    async with asyncio.timeout(30):
        (again,) = await other.adapter.outbox.take(10)
    assert (again.id, again.payload) == (notice.id, b"1")


async def test_an_answer_that_was_lost_does_not_lose_the_notices(
    server: Server, start: Callable[[str], Awaitable[Node]]
) -> None:
    node = await start(server.url)
    keep(node)
    node.adapter.outbox.notify(ROOM, "client_event", b"1")
    _, notice = await take_from_one(node)
    # As if this node had never heard of it.
    node.adapter.outbox._settlement.in_hand.clear()
    async with asyncio.timeout(30):
        (again,) = await node.adapter.outbox.take(10)
    assert again.id == notice.id


async def test_an_entry_that_is_no_notice_stops_nobody(
    server: Server, start: Callable[[str], Awaitable[Node]], caplog: pytest.LogCaptureFixture
) -> None:
    node = await start(server.url)
    outbox = node.adapter._shards[shard_of(ROOM)].keys.outbox
    for fields in (["x", "y"], ["t", "a/c", "k", "k", "u", "", "p", "", "a", "now"], ["t", b"\xff", "k", "k", "u", ""]):
        await node.adapter._topology.home.call("XADD", outbox, "*", *fields)
    keep(node)
    node.adapter.outbox.notify(ROOM, "client_event", b"1")
    _, notice = await take_from_one(node)
    assert notice.payload == b"1"
    assert caplog.text.count("can't be read") == 3
    node.adapter.outbox.done(notice)
    async with asyncio.timeout(30):
        while node.adapter.outbox.numbers.waiting:  # noqa: ASYNC110 - Redis doesn't tell
            await asyncio.sleep(0.05)


async def test_an_emptied_redis_takes_notices_again(
    own_server: Server, start: Callable[[str], Awaitable[Node]]
) -> None:
    node = await start(own_server.url)
    keep(node)
    node.adapter.watch(ROOM)
    await node.adapter.enter(ROOM)
    await take_from_one(node)
    own_server.command("FLUSHALL")
    node.adapter.outbox.notify(ROOM, "client_event", b"1")
    async with asyncio.timeout(30):
        (notice,) = await node.adapter.outbox.take(10)
    # What is entered again was only forgotten: that is no transition.
    assert notice.kind == "client_event"


async def test_what_is_settled_while_redis_is_away_is_settled_when_it_is_back(
    own_server: Server, start: Callable[[str], Awaitable[Node]]
) -> None:
    node = await start(own_server.url)
    keep(node)
    node.adapter.outbox.notify(ROOM, "client_event", b"1")
    _, notice = await take_from_one(node)
    own_server.pause()
    node.adapter.outbox.done(notice)
    await asyncio.sleep(1.5)
    own_server.go_on()
    async with asyncio.timeout(30):
        while any(node.adapter.outbox._settlement.in_hand.values()):  # noqa: ASYNC110 - Redis doesn't tell
            await asyncio.sleep(0.05)


NOTICE = read_notice(17, 5_000, "2000-1", [b"t", b"a/c", b"k", b"joined", b"u", "é\0".encode(), b"p", b"\xff\x00"])


def test_an_entry_is_read() -> None:
    assert (NOTICE.id, NOTICE.topic, NOTICE.user, NOTICE.payload) == ("17-2000-1", "a/c", "é\0", b"\xff\x00")
    assert (NOTICE.at, NOTICE.age, NOTICE.only, NOTICE.handle) == (2.0, 3.0, "", "2000-1")


def test_an_entry_that_was_handed_out_before_keeps_its_id_and_time() -> None:
    fields = [b"t", b"a/c", b"k", b"x", b"u", b"", b"p", b"", b"a", b"1500", b"i", b"17-1500-0", b"e", b"e1"]
    notice = read_notice(17, 5_000, "4000-0", fields)
    assert (notice.id, notice.at, notice.only) == ("17-1500-0", 1.5, "e1")


def test_a_dead_letter_is_read_as_it_was_written() -> None:
    name, text = write_letter(NOTICE, "e1", "answered 500")
    letter = read_letter(name, b"\xcd\x17\x70" + text)
    assert (letter.id, letter.at, letter.why) == ("17-2000-1~e1", 6.0, "answered 500")
    assert (letter.notice.user, letter.notice.payload, letter.notice.only) == ("é\0", b"\xff\x00", "e1")


@pytest.mark.parametrize(
    ("what", "topic"), [(b"left\0a/c\0x\0y", "a/c"), (held_back_again(NOTICE, "e1"), "17-2000-1~e1")]
)
def test_whom_something_held_back_is_about(what: bytes, topic: str) -> None:
    assert topic_held_back(what) == topic
