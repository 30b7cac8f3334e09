from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from server.protocol import codes
from tests.server.hub.stage import APP
from tests.server.protocol import wire

if TYPE_CHECKING:
    from tests.server.hub.fake_client import FakeClient, Told
    from tests.server.hub.stage import Stage


def watching(*user_ids: str) -> dict[str, Any]:
    return {"id": "watcher", "watchlist": list(user_ids)}


def online(told: list[Told]) -> list[tuple[str, list[str]]]:
    """Return what watchlist events said, in their order."""
    assert all(message.event == "pusher_internal:watchlist_events" for message in told)
    return [(group["name"], group["user_ids"]) for message in told for group in message.data["events"]]


async def signed_in(stage: Stage, user: dict[str, Any]) -> FakeClient:
    client = stage.connect()
    stage.sign_in(client, user)
    await stage.settle()
    assert client.take()[0].event == "pusher:signin_success"
    return client


async def test_a_sign_in_is_confirmed_once_the_cluster_knows_of_it(stage: Stage) -> None:
    alice = stage.connect()
    stage.sign_in(alice, {"id": "a"})
    await asyncio.sleep(0)
    assert alice.take() == []
    await stage.settle()
    assert [message.event for message in alice.take()] == ["pusher:signin_success"]


async def test_who_leaves_before_that_is_not_online(stage: Stage) -> None:
    alice = stage.connect()
    stage.sign_in(alice, {"id": "a"})
    stage.hub.lost(alice, code=1000, is_clean=True)
    await stage.settle()
    stage.wait(10.0)
    assert alice.take() == []
    assert await stage.adapter.occupied_topics(APP.id) == {}


async def test_what_is_told_to_a_user_reaches_its_connections(stage: Stage) -> None:
    alice, other = await signed_in(stage, {"id": "a"}), await signed_in(stage, {"id": "b"})
    await stage.join(alice, "#server-to-user-a")
    await stage.join(other, "#server-to-user-b")
    stage.publish("#server-to-user-a", b'{"event":"1"}')
    await stage.settle()
    assert [message.event for message in alice.take()] == ["1"]
    assert other.take() == []


async def test_leaving_ones_own_channel_is_not_signing_out(stage: Stage) -> None:
    alice = await signed_in(stage, {"id": "a"})
    await stage.join(alice, "#server-to-user-a")
    stage.say(alice, wire.unsubscribe("#server-to-user-a"))
    await stage.settle()
    assert set(await stage.adapter.occupied_topics(APP.id)) == {"#server-to-user-a"}


# Watchlists


async def test_a_watcher_is_told_who_is_online_and_who_is_not(stage: Stage) -> None:
    await signed_in(stage, {"id": "a"})
    watcher = stage.connect()
    stage.sign_in(watcher, watching("a", "b"))
    await stage.settle()
    assert online(watcher.take()[1:]) == [("online", ["a"]), ("offline", ["b"])]


async def test_then_of_each_who_comes_and_goes_at_the_first_and_the_last_connection(stage: Stage) -> None:
    watcher = await signed_in(stage, watching("a"))
    first, second = await signed_in(stage, {"id": "a"}), await signed_in(stage, {"id": "a"})
    assert online(watcher.take()) == [("online", ["a"])]
    for client in (first, second):
        stage.hub.lost(client, code=1000, is_clean=True)
    await stage.settle()
    assert watcher.take() == []
    stage.wait(10.0)
    await stage.settle()
    assert online(watcher.take()) == [("offline", ["a"])]


async def test_who_is_back_in_a_moment_was_never_offline(stage: Stage) -> None:
    watcher = await signed_in(stage, watching("a"))
    alice = await signed_in(stage, {"id": "a"})
    watcher.take()
    stage.hub.lost(alice, code=1000, is_clean=True)
    await signed_in(stage, {"id": "a"})
    stage.wait(10.0)
    await stage.settle()
    assert watcher.take() == []


async def test_one_may_watch_oneself(stage: Stage) -> None:
    alice = stage.connect()
    stage.sign_in(alice, {"id": "a", "watchlist": ["a"]})
    await stage.settle()
    assert online(alice.take()[1:]) == [("online", ["a"])]
    stage.hub.lost(alice, code=1000, is_clean=True)
    await stage.settle()
    assert not stage.adapter.watched


async def test_a_watcher_that_leaves_before_it_is_told_leaves_nothing_behind(stage: Stage) -> None:
    watcher = stage.connect()
    stage.sign_in(watcher, watching("a", "b"))
    stage.perform()
    stage.adapter.answer(0)
    await asyncio.sleep(0)
    stage.hub.lost(watcher, code=1000, is_clean=True)
    await stage.settle()
    assert not stage.adapter.watched
    await signed_in(stage, {"id": "a"})
    assert [message.event for message in watcher.take()] == ["pusher:signin_success"]


async def test_a_watcher_that_leaves_while_nobody_can_say_keeps_nobody_asking(stage: Stage) -> None:
    before = asyncio.all_tasks()
    stage.adapter.is_away = True
    watcher = stage.connect()
    stage.sign_in(watcher, watching("a"))
    await stage.settle()
    asking = asyncio.all_tasks() - before
    assert asking
    stage.hub.lost(watcher, code=1000, is_clean=True)
    async with asyncio.timeout(10.0):
        await asyncio.gather(*asking)


async def test_where_watchlists_are_off_nothing_is_told(stage: Stage) -> None:
    watcher = stage.connect(wire.an_app(watchlists=False))
    stage.sign_in(watcher, watching("a"))
    await stage.settle()
    assert [message.event for message in watcher.take()] == ["pusher:signin_success"]


# Termination


async def test_all_connections_of_a_terminated_user_are_closed_and_no_others(stage: Stage) -> None:
    first, second = await signed_in(stage, {"id": "a"}), await signed_in(stage, {"id": "a"})
    other, anonymous = await signed_in(stage, {"id": "b"}), stage.connect()
    await stage.join(anonymous, "presence-a", {"user_id": "a"})
    stage.now += 1.0
    stage.adapter.terminate(stage.topic("#server-to-user-a"))
    await stage.settle()
    assert first.closed == second.closed == codes.TERMINATED
    assert other.closed is None
    assert anonymous.closed is None, "only who has signed in is meant"


async def test_who_signs_in_again_after_that_may_stay(stage: Stage) -> None:
    first = await signed_in(stage, {"id": "a"})
    stage.now += 1.0
    stage.adapter.terminate(stage.topic("#server-to-user-a"))
    await stage.settle()
    stage.now += 1.0
    second = await signed_in(stage, {"id": "a"})
    assert first.closed == codes.TERMINATED
    assert second.closed is None


async def test_a_command_that_overtakes_the_answer_to_a_sign_in_counts(stage: Stage) -> None:
    alice = stage.connect()
    stage.sign_in(alice, {"id": "a"})
    stage.perform()
    stage.now += 1.0
    stage.adapter.terminate(stage.topic("#server-to-user-a"))
    stage.perform()
    stage.call_back()
    assert alice.closed is None
    await stage.settle()
    assert alice.closed == codes.TERMINATED
    assert alice.take() == []
