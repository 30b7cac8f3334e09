from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from server.apps import Apps
from server.hub.app_changes import apply_changes
from server.protocol import codes, events
from tests.server.hub.stage import APP
from tests.server.protocol import wire

if TYPE_CHECKING:
    from server.apps import App
    from tests.server.hub.fake_client import FakeClient, Told
    from tests.server.hub.stage import Stage

ALICE = {"user_id": "a", "user_info": {"name": "Alice"}}
BOB = {"user_id": "b"}


def payloads(told: list[Told]) -> list[bytes]:
    return [message.payload for message in told]


def names(told: list[Told]) -> list[str]:
    return [message.event for message in told]


async def two_in(stage: Stage, channel: str) -> tuple[FakeClient, FakeClient]:
    """Return two clients in a channel that have read all they were told so far."""
    alice, bob = stage.connect(), stage.connect()
    await stage.join(alice, channel, ALICE)
    await stage.join(bob, channel, BOB)
    alice.take()
    return alice, bob


async def test_what_is_published_reaches_each_subscriber_once_in_order(stage: Stage) -> None:
    alice, bob = await two_in(stage, "news")
    stage.publish("news", b'{"event":"1"}')
    stage.publish("news", b'{"event":"2"}')
    stage.publish("other", b'{"event":"3"}')
    await stage.settle()
    assert names(alice.take()) == names(bob.take()) == ["1", "2"]


async def test_the_socket_that_is_to_be_left_out_is(stage: Stage) -> None:
    alice, bob = await two_in(stage, "news")
    stage.publish("news", b'{"event":"1"}', sender=alice.session.socket_id)
    stage.publish("news", b'{"event":"2"}', sender="no.body")
    await stage.settle()
    assert names(alice.take()) == ["2"]
    assert names(bob.take()) == ["1", "2"]


async def test_a_client_event_reaches_the_others_with_its_senders_user(stage: Stage) -> None:
    alice, bob = await two_in(stage, "presence-a")
    stage.say(alice, wire.client_event("presence-a", "hi"))
    await stage.settle()
    assert alice.take() == []
    assert payloads(bob.take()) == [events.client_event("presence-a", "client-x", "hi", "a")]


async def test_a_direct_answer_comes_after_what_was_gathered_before_it(stage: Stage) -> None:
    alice, bob = await two_in(stage, "news")
    stage.publish("news", b'{"event":"1"}')
    stage.perform()
    stage.call_back()
    stage.say(alice, wire.message("pusher:ping"))
    stage.publish("news", b'{"event":"2"}')
    await stage.settle()
    assert names(alice.take()) == ["1", "pusher:pong", "2"]
    assert names(bob.take()) == ["1", "2"]


async def test_a_second_subscription_is_confirmed_and_changes_nothing(stage: Stage) -> None:
    alice, bob = await two_in(stage, "presence-a")
    stage.subscribe(alice, "presence-a", ALICE)
    await stage.settle()
    assert [message.data["presence"]["ids"] for message in alice.take()] == [["a", "b"]]
    assert bob.take() == []


async def test_presence_is_told_at_the_first_and_the_last_connection_of_a_user(stage: Stage) -> None:
    watcher, first, second = stage.connect(), stage.connect(), stage.connect()
    await stage.join(watcher, "presence-a", BOB)
    await stage.join(first, "presence-a", ALICE)
    await stage.join(second, "presence-a", ALICE)
    assert [message.data for message in watcher.take()] == [{"user_id": "a", "user_info": {"name": "Alice"}}]
    stage.say(first, wire.unsubscribe("presence-a"))
    await stage.settle()
    assert watcher.take() == []
    stage.say(second, wire.unsubscribe("presence-a"))
    await stage.settle()
    assert names(watcher.take()) == ["pusher_internal:member_removed"]


async def test_a_full_presence_channel_refuses_new_users_but_not_known_ones(stage: Stage) -> None:
    app = wire.an_app(max_presence_members=1)
    first, second, third = (stage.connect(app) for _ in range(3))
    await stage.join(first, "presence-a", ALICE)
    stage.subscribe(second, "presence-a", BOB)
    stage.subscribe(third, "presence-a", ALICE)
    await stage.settle()
    assert names(second.take()) == ["pusher:subscription_error", "pusher:error"]
    assert names(third.take()) == ["pusher_internal:subscription_succeeded"]
    assert await stage.members("presence-a") == {"a"}
    assert not second.session.subscriptions


async def test_who_leaves_before_the_answer_is_no_ghost(stage: Stage) -> None:
    alice = stage.connect()
    stage.subscribe(alice, "presence-a", ALICE)
    stage.hub.lost(alice, code=1000, is_clean=True)
    await stage.settle()
    assert await stage.members("presence-a") == set()
    assert not stage.hub.channels
    assert not stage.adapter.watched


async def test_a_subscription_whose_channel_was_left_meanwhile_is_not_confirmed(stage: Stage) -> None:
    alice = stage.connect()
    stage.subscribe(alice, "news")
    stage.say(alice, wire.unsubscribe("news"))
    await stage.settle()
    assert alice.take() == []


async def test_of_a_burst_of_subscriptions_the_last_one_counts(stage: Stage) -> None:
    alice = stage.connect()
    for _ in range(3):
        stage.subscribe(alice, "presence-a", ALICE)
        stage.say(alice, wire.unsubscribe("presence-a"))
    stage.subscribe(alice, "presence-a", ALICE)
    await stage.settle()
    assert names(alice.take()) == ["pusher_internal:subscription_succeeded"]
    assert await stage.members("presence-a") == {"a"}
    stage.publish("presence-a", b'{"event":"1"}')
    await stage.settle()
    assert names(alice.take()) == ["1"]


# Ends


async def test_what_was_gathered_is_written_before_the_close_and_nothing_after_it(stage: Stage) -> None:
    alice, bob = await two_in(stage, "news")
    stage.publish("news", b'{"event":"1"}')
    stage.perform()
    stage.call_back()
    stage.hub.close(alice, codes.SERVER_LEAVING)
    stage.publish("news", b'{"event":"2"}')
    stage.hub.send(alice, events.PING)
    await stage.settle()
    assert names(alice.take()) == ["1"]
    assert alice.closed == codes.SERVER_LEAVING
    assert names(bob.take()) == ["1", "2"]


async def test_a_connection_is_ended_and_counted_once(stage: Stage) -> None:
    alice = stage.connect()
    stage.hub.close(alice, codes.SERVER_LEAVING)
    stage.hub.close(alice, codes.OVER_CAPACITY)
    stage.hub.lost(alice, code=1006, is_clean=False)
    assert alice.closed == codes.SERVER_LEAVING
    assert stage.metrics.of(APP.id).closed == {4200: 1}
    assert list(stage.hub.closing) == [alice]
    gone = asyncio.Event()
    stage.hub.on_all_closed = gone.set
    stage.hub.gone(alice)
    assert gone.is_set()


@pytest.mark.parametrize(
    ("end", "seconds"),
    [("clean", 0.0), ("unclean", 5.0), (codes.NO_PONG, 5.0), (codes.SLOW_CONSUMER, 5.0), (codes.SERVER_LEAVING, 30.0)],
)
async def test_a_place_is_kept_for_who_is_expected_back(stage: Stage, end: str | codes.Close, seconds: float) -> None:
    alice, bob = await two_in(stage, "presence-a")
    if isinstance(end, codes.Close):
        stage.hub.close(alice, end)
    else:
        stage.hub.lost(alice, code=1000, is_clean=end == "clean")
    await stage.settle()
    if seconds:
        stage.wait(seconds - 0.1)
        await stage.settle()
        assert bob.take() == []
        stage.wait(0.2)
        await stage.settle()
    assert names(bob.take()) == ["pusher_internal:member_removed"]


async def test_who_comes_back_in_time_had_never_gone(stage: Stage) -> None:
    alice, bob = await two_in(stage, "presence-a")
    stage.hub.close(alice, codes.SERVER_LEAVING)
    again = stage.connect()
    await stage.join(again, "presence-a", ALICE)
    stage.wait(100.0)
    await stage.settle()
    assert bob.take() == []
    assert await stage.members("presence-a") == {"a", "b"}


async def test_a_clean_end_does_not_shorten_what_another_connection_has_earned(stage: Stage) -> None:
    alice, bob = await two_in(stage, "presence-a")
    second = stage.connect()
    await stage.join(second, "presence-a", ALICE)
    stage.hub.lost(alice, code=1006, is_clean=False)
    stage.hub.lost(second, code=1000, is_clean=True)
    await stage.settle()
    assert bob.take() == []
    stage.wait(6.0)
    await stage.settle()
    assert names(bob.take()) == ["pusher_internal:member_removed"]


async def test_when_all_have_gone_nothing_is_left(stage: Stage) -> None:
    alice, bob = await two_in(stage, "presence-a")
    await stage.join(alice, "news")
    stage.sign_in(bob, {"id": "b", "watchlist": ["a", "b"]})
    await stage.settle()
    for client in (alice, bob):
        stage.hub.lost(client, code=1006, is_clean=False)
        stage.hub.gone(client)
    await stage.settle()
    stage.wait(100.0)
    await stage.settle()
    assert not stage.hub.clients
    assert not stage.hub.channels
    assert not stage.hub.closing
    assert not stage.adapter.watched
    assert await stage.adapter.occupied_topics(APP.id) == {}


# Other


async def test_open_connections_get_what_their_application_allows_now(stage: Stage) -> None:
    alice = stage.connect()
    allowing = wire.an_app(max_subscriptions=1)
    await apply_changes(stage.hub, Apps([allowing]))
    await stage.join(alice, "news")
    stage.subscribe(alice, "sports")
    assert names(alice.take()) == ["pusher:subscription_error", "pusher:error"]


@pytest.mark.parametrize(
    ("apps", "code"),
    [
        ([], 4001),
        ([wire.an_app(key="other")], 4001),
        ([wire.an_app(enabled=False)], 4003),
    ],
)
async def test_connections_end_whose_application_is_none_any_more(stage: Stage, apps: list[App], code: int) -> None:
    alice, other = stage.connect(), stage.connect(wire.an_app(id="2", key="second"))
    await stage.join(alice, "presence-x", {"user_id": "a"})
    await apply_changes(stage.hub, Apps([*apps, other.session.app]))
    assert alice.closed is not None
    assert alice.closed.code == code
    assert other.closed is None
    await stage.settle()
    assert await stage.members("presence-x") == set(), "whoever must not come back is not waited for"


async def test_limit_on_frames_applies_to_open_connections(stage: Stage) -> None:
    alice = stage.connect()
    await apply_changes(stage.hub, Apps([wire.an_app(max_frame_bytes=2_000)]))
    assert alice.max_message_bytes == 2_000


async def test_subscription_counts_begin_and_end_in_open_channels(stage: Stage) -> None:
    alice, bob, carol = stage.connect(), stage.connect(), stage.connect()
    await stage.join(alice, "news")
    await apply_changes(stage.hub, Apps([wire.an_app(subscription_count=True)]))
    await stage.join(bob, "news")
    assert [told.data for told in alice.take()] == [{"subscription_count": 2}]
    await apply_changes(stage.hub, Apps([wire.an_app()]))
    await stage.join(carol, "news")
    assert alice.take() == []


async def test_a_probe_is_a_ping_of_both_kinds(stage: Stage) -> None:
    alice = stage.connect()
    stage.hub.carry_out(alice, alice.session.tick(now=stage.now + 60.0, activity_timeout=30.0, pong_timeout=30.0))
    assert alice.probes == 1
    assert names(alice.take()) == ["pusher:ping"]
