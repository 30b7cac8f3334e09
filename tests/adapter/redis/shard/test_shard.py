"""One shard as a node sees it, without a server: what comes too late, what waits."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, cast

from adapter.base import Topic
from adapter.redis.keys import ShardKeys
from adapter.redis.scripts import Scripts
from adapter.redis.shard.shard import APPLIED, Shard, State
from adapter.redis.shard.watch import Watch
from adapter.redis.stats import Stats
from tests.adapter.redis.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapter.redis.link.link import Link

TOPIC = Topic("app/presence-a")
EPOCH = "1.000000"


class Wire:
    def __init__(self) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class RecordingLink:
    """Keeps what is sent, to be answered by the test."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.sent: list[tuple[Callable[[Any, Any], None], Any]] = []

    def send(self, on_reply: Callable[[Any, Any], None], context: Any, command: tuple[bytes | str | int, ...]) -> None:
        self.sent.append((on_reply, context))

    def answer(self, reply: Any) -> None:
        """Answer the oldest command."""
        on_reply, context = self.sent.pop(0)
        on_reply(context, reply)


def a_shard() -> Shard:
    shard = Shard(3, ShardKeys("test", 3), stats=Stats(), on_broken=lambda *_: None, on_fenced=lambda _: None)
    shard.receiver = Recorder()
    shard.epoch = EPOCH
    shard.begin_boot("boot")
    return shard


def use(shard: Shard, *, settling: bool = False) -> RecordingLink:
    link = RecordingLink()
    shard.attach(cast("Link", link), Scripts(sharded=False), "replid")
    shard.resume(settling=settling)
    return link


def a_publish(shard: Shard, payload: bytes = b"payload") -> asyncio.Future[None]:
    write = shard.writes.publish(TOPIC, payload, "", 0.0, "")
    write.future = asyncio.get_running_loop().create_future()
    shard.submit(write)
    return write.future


async def test_an_answer_that_comes_after_the_shard_has_moved_counts_for_nothing() -> None:
    shard = a_shard()
    there = use(shard)
    publishing = a_publish(shard)
    shard.detach()
    here = use(shard)
    there.answer([APPLIED, EPOCH.encode(), 1])
    assert not publishing.done(), "it was sent again, and only the answer to that says that it is applied here"
    here.answer([APPLIED, EPOCH.encode(), 1])
    assert publishing.done()
    later = a_publish(shard)
    here.answer([APPLIED, EPOCH.encode(), 2])
    assert later.done()


async def test_an_answer_to_a_look_that_comes_after_the_shard_has_moved_tells_nothing() -> None:
    shard = a_shard()
    watch = shard.watches[TOPIC] = Watch(TOPIC, shard)
    there = use(shard)
    shard.distrust()
    shard._look_at_stale()
    shard.detach()
    here = use(shard)
    there.answer([EPOCH.encode(), b"5", 0, b"5", b"1", b"0", [b"old", b"{}"], None, -2, 1])
    assert watch.is_stale
    here.answer([EPOCH.encode(), b"6", 0, b"6", b"1", b"0", [b"new", b"{}"], None, -2, 1])
    assert isinstance(shard.receiver, Recorder)
    assert shard.receiver.of("resynced") == [("resynced", TOPIC, None, ["new"], True)]


async def test_what_is_published_while_a_shard_settles_is_sent() -> None:
    shard = a_shard()
    link = use(shard, settling=True)
    shard.submit(shard.writes.enter(TOPIC, "=u", b"{}"))
    publishing = a_publish(shard)
    assert len(link.sent) == 1, "entering waits"
    link.answer([APPLIED, EPOCH.encode(), 1])
    assert publishing.done()


async def test_a_shard_knows_since_when_it_is_back_wherever_it_is() -> None:
    shard = a_shard()
    use(shard)
    assert shard.returned_at == -math.inf, "nobody waited for it"
    shard.detach()
    before = asyncio.get_running_loop().time()
    use(shard)
    assert before <= shard.returned_at <= asyncio.get_running_loop().time()
    assert shard.state is State.LIVE
