from __future__ import annotations

import asyncio

from server.channels.count import INTERVAL, LARGE
from server.hub.delivery import FLUSH_AT, Delivery
from server.metrics import Histogram
from tests.server.channels.build import a_channel, an_entry, join
from tests.server.protocol.wire import data_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def a_delivery(clock: Clock | None = None) -> Delivery:
    return Delivery(clock=clock or Clock(), seconds=Histogram())


async def test_what_comes_in_one_tick_is_written_at_its_end_channel_by_channel() -> None:
    delivery, news, sports = a_delivery(), a_channel("news"), a_channel("sports")
    alice = join(news, an_entry(1))
    bob = join(sports, an_entry(1))
    for position in (2, 3):
        for channel in (news, sports):
            channel.message(position, b"%d" % position, None)
            delivery.soon(channel)
    assert delivery.is_pending
    assert alice.writes == []
    await asyncio.sleep(0)
    assert not delivery.is_pending
    assert alice.heard == bob.heard == [b"2", b"3"]
    assert len(alice.writes) == len(bob.writes) == 1


async def test_each_tick_has_its_own_write() -> None:
    delivery, channel = a_delivery(), a_channel()
    alice = join(channel, an_entry(1))
    for position in (2, 3):
        channel.message(position, b"x", None)
        delivery.soon(channel)
        await asyncio.sleep(0)
    assert len(alice.writes) == 2


async def test_much_at_once_is_written_at_once() -> None:
    delivery, channel = a_delivery(), a_channel()
    alice = join(channel, an_entry(1))
    channel.message(2, b"x" * FLUSH_AT, None)
    delivery.soon(channel)
    assert alice.heard == [b"x" * FLUSH_AT]


async def test_what_is_gathered_can_be_written_early_for_some_channels() -> None:
    delivery, news, sports = a_delivery(), a_channel("news"), a_channel("sports")
    alice, bob = join(news, an_entry(1)), join(sports, an_entry(1))
    for channel in (news, sports):
        channel.message(2, b"2", None)
        delivery.soon(channel)
    delivery.flush_these([news])
    assert alice.heard == [b"2"]
    assert bob.heard == []
    await asyncio.sleep(0)
    assert alice.heard == bob.heard == [b"2"]


async def test_many_changes_of_a_count_in_one_tick_make_one_event() -> None:
    delivery, channel = a_delivery(), a_channel(counts=True)
    alice = join(channel, an_entry(1))
    assert channel.count is not None
    for total in (1, 2, 3):
        channel.count.total = total
        delivery.count_soon(channel)
    await asyncio.sleep(0)
    assert [data_of(payload) for payload in alice.heard] == [{"subscription_count": 3}]


async def test_a_large_channels_count_is_told_when_it_is_due() -> None:
    clock = Clock()
    delivery, channel = a_delivery(clock), a_channel(counts=True)
    alice = join(channel, an_entry(1))
    assert channel.count is not None
    for total in (LARGE + 1, LARGE + 2):
        channel.count.total = total
        delivery.count_soon(channel)
        await asyncio.sleep(0)
    assert [data_of(payload) for payload in alice.heard] == [{"subscription_count": LARGE + 1}]
    clock.now += INTERVAL
    delivery.tell_counts()
    await asyncio.sleep(0)
    assert data_of(alice.heard[-1]) == {"subscription_count": LARGE + 2}


async def test_a_channel_that_is_forgotten_is_told_nothing_more() -> None:
    delivery, channel = a_delivery(), a_channel(counts=True)
    alice = join(channel, an_entry(1))
    assert channel.count is not None
    channel.count.total = 1
    delivery.count_soon(channel)
    delivery.forget(channel)
    await asyncio.sleep(0)
    delivery.tell_counts()
    await asyncio.sleep(0)
    assert alice.heard == []
