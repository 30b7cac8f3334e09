"""What :mod:`adapter.base` promises, of every adapter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from adapter.base import Entry, Full, topic_of
from tests.adapter.clusters import ROOM, enter, eventually, in_one_go, kinds, positions, users

if TYPE_CHECKING:
    from adapter.base import Spent
    from tests.adapter.clusters import Cluster

OTHER = topic_of("app", "presence-other")


# Order


async def test_calls_for_a_topic_take_effect_in_order_without_waiting_for_each_other(cluster: Cluster) -> None:
    node = cluster.here
    node.adapter.watch(ROOM)
    first = node.adapter.enter(ROOM, "u", b"{}")
    one = node.adapter.publish(ROOM, b"one")
    node.adapter.leave(ROOM, "u")
    two = node.adapter.publish(ROOM, b"two")
    second = node.adapter.enter(ROOM, "v", b"")
    await asyncio.gather(first, one, two, second)
    told = await node.told(ROOM, by=node)
    assert kinds(told) == ["occupied", "joined", "message", "left", "vacated", "message", "occupied", "joined"]
    answer = second.result()
    assert isinstance(answer, Entry)
    assert list(answer.members) == ["v"]


async def test_callbacks_come_in_ascending_position_the_same_everywhere(cluster: Cluster) -> None:
    for node in (cluster.here, cluster.there):
        await enter(node, user=None)
    calls = [
        call
        for number in range(50)
        for node in (cluster.here, cluster.there)
        for call in (node.adapter.publish(ROOM, b"%d" % number), node.adapter.enter(ROOM, f"u{number}", b"{}"))
    ]
    await asyncio.gather(*calls)
    by_here = await cluster.here.told(ROOM, by=cluster.there)
    assert len([item for item in by_here if item[0] == "message"]) == 100
    assert positions(by_here) == sorted(set(positions(by_here)))
    by_there = await cluster.there.told(ROOM, by=cluster.here)
    # It began to watch a little later.
    assert by_there == by_here[-len(by_there) :]
    assert by_there.count(by_there[-1]) == 1


# One path


async def test_what_is_published_reaches_all_who_watch_the_origin_included(cluster: Cluster) -> None:
    for node in (cluster.here, cluster.there):
        await enter(node)
    payload = bytes(range(256))
    await cluster.here.adapter.publish(ROOM, payload, sender="1.2")
    for node in (cluster.here, cluster.there):
        told = await node.told(ROOM, by=cluster.here)
        assert [item[3:] for item in told if item[0] == "message"] == [(payload, "1.2")]


async def test_who_does_not_watch_a_topic_is_told_nothing_of_it(cluster: Cluster) -> None:
    await enter(cluster.here, OTHER)
    adapter = cluster.there.adapter
    await adapter.publish(ROOM, b"unheard")
    await adapter.enter(ROOM, "u", b"{}")
    adapter.count(ROOM, 1, announce=True)
    await adapter.terminate(ROOM)
    await cluster.here.told(OTHER, by=cluster.there)
    assert {item[1] for item in cluster.here.recorder.told} == {OTHER}


async def test_applications_have_topics_of_their_own(cluster: Cluster) -> None:
    same_name = topic_of("app2", "presence-room")
    await enter(cluster.here)
    await cluster.there.adapter.publish(same_name, b"unheard")
    await cluster.there.adapter.enter(same_name, "w", b"")
    told = await cluster.here.told(ROOM, by=cluster.there)
    assert users(told) == [("joined", "u")]
    assert "message" not in kinds(told)
    assert await cluster.there.adapter.members(ROOM) == ["u"]


# Transitions


async def test_a_user_joins_with_its_first_entry_and_leaves_with_its_last(cluster: Cluster) -> None:
    here, there = cluster.here.adapter, cluster.there.adapter
    await enter(cluster.here, user="watcher")
    await there.enter(ROOM, "u", b'{"n":1}')
    await here.enter(ROOM, "u", b'{"n":2}')
    await there.enter(ROOM, "v", b"")
    here.leave(ROOM, "u")
    if here is not there:
        there.leave(ROOM, "u")
    told = await cluster.here.told(ROOM, by=cluster.here)
    await cluster.here.recorder.wait_until(lambda: bool(cluster.here.recorder.of("left")))
    history = users([item for item in cluster.here.recorder.told if item[1] == ROOM])
    assert history == [("joined", "watcher"), ("joined", "u"), ("joined", "v"), ("left", "u")]
    assert [item[4] for item in told if item[0] == "joined"] == [b"{}", b'{"n":1}', b""]
    assert sorted(await there.members(ROOM)) == ["v", "watcher"]


async def test_a_topic_is_occupied_with_its_first_entry_and_vacated_with_its_last(cluster: Cluster) -> None:
    here, there = cluster.here.adapter, cluster.there.adapter
    here.watch(ROOM)
    await here.enter(ROOM)
    await there.enter(ROOM, "u", b"")
    here.leave(ROOM)
    told = await cluster.here.told(ROOM, by=cluster.here)
    assert kinds(told) == ["occupied", "joined"]
    there.leave(ROOM, "u")
    await cluster.here.recorder.wait_until(lambda: bool(cluster.here.recorder.of("vacated")))
    assert kinds(cluster.here.recorder.of("occupied", "joined", "left", "vacated")) == [
        "occupied",
        "joined",
        "left",
        "vacated",
    ]


async def test_repeating_a_call_has_no_effect(cluster: Cluster) -> None:
    adapter = cluster.here.adapter
    adapter.leave(ROOM, "never entered")
    adapter.leave(ROOM)
    adapter.watch(ROOM)
    for _ in range(2):
        await enter(cluster.here)
        await enter(cluster.here, user=None)
    for _ in range(2):
        adapter.leave(ROOM)
        adapter.leave(ROOM, "u")
    told = await cluster.here.told(ROOM, by=cluster.here)
    assert kinds(told) == ["occupied", "joined", "left", "vacated"]


# What an entry tells


async def test_an_entry_says_how_it_stands_at_its_position(cluster: Cluster) -> None:
    await enter(cluster.there, user="t", info=b'{"n":1}')
    await cluster.there.adapter.publish(ROOM, b"before", remember=60.0)
    entry = await enter(cluster.here, user="h")
    members = dict(entry.members)
    await cluster.there.adapter.publish(ROOM, b"after")
    told = await cluster.here.told(ROOM, by=cluster.there)
    assert members == {"t": b'{"n":1}', "h": b"{}"}
    (joined,) = [item[2] for item in told if item[:1] == ("joined",) and item[3] == "h"]
    assert entry.version == joined
    assert entry.position >= entry.version
    above = [item[3] for item in told if item[0] == "message" and positions([item])[0] > entry.position]
    assert above == [b"after"]
    assert entry.remembered is not None
    assert entry.remembered.payload == b"before"
    assert 0 < entry.remembered.ttl <= 60.0


async def test_equal_versions_mean_equal_members(cluster: Cluster) -> None:
    first = await enter(cluster.here, user="a")
    before = first.version
    second = await enter(cluster.here, user=None)
    await cluster.there.adapter.publish(ROOM, b"no change of members")
    third = await enter(cluster.here, user="a")
    assert before == second.version == third.version
    fourth = await enter(cluster.there, user="b")
    assert fourth.version > before


async def test_a_known_member_keeps_its_info(cluster: Cluster) -> None:
    await enter(cluster.here, info=b'{"n":1}')
    entry = await enter(cluster.there, info=b'{"n":2}')
    assert dict(entry.members) == {"u": b'{"n":1}'}
    assert len(users(await cluster.here.told(ROOM, by=cluster.there))) == 1


async def test_a_limit_keeps_new_members_out_but_not_known_ones(cluster: Cluster) -> None:
    await enter(cluster.here, user="a")
    adapter = cluster.there.adapter
    assert await adapter.enter(ROOM, "b", b"", limit=1) == Full(1)
    assert isinstance(await adapter.enter(ROOM, "a", b"", limit=1), Entry)
    assert isinstance(await adapter.enter(ROOM, None, limit=1), Entry)
    assert isinstance(await adapter.enter(ROOM, "b", b"", limit=2), Entry)
    assert sorted(await adapter.members(ROOM)) == ["a", "b"]


async def test_who_was_kept_out_has_entered_nothing(cluster: Cluster) -> None:
    adapter = cluster.here.adapter
    adapter.watch(ROOM)
    assert await adapter.enter(ROOM, "a", b"", limit=0) == Full(0)
    adapter.leave(ROOM, "a")
    assert await cluster.here.told(ROOM, by=cluster.here) == []
    assert await adapter.occupied_topics("app") == {}


# Holds


async def test_a_hold_counts_as_an_entry_until_it_lapses(cluster: Cluster) -> None:
    here, there = cluster.here.adapter, cluster.there.adapter
    await enter(cluster.here, user="watcher")
    for user, seconds in (("long", 60.0), ("short", 0.5)):
        await there.enter(ROOM, user, b"")
        there.leave(ROOM, user, hold=seconds)
    joined = [("joined", "watcher"), ("joined", "long"), ("joined", "short")]
    assert users(await cluster.here.told(ROOM, by=cluster.there))[:3] == joined
    await cluster.wait(0.5)
    await cluster.here.recorder.wait_until(lambda: bool(cluster.here.recorder.of("left")))
    assert users(await cluster.here.told(ROOM, by=cluster.there)) == [*joined, ("left", "short")]
    assert sorted(await here.members(ROOM)) == ["long", "watcher"]


async def test_who_comes_back_in_time_has_never_left(cluster: Cluster) -> None:
    await enter(cluster.here, user="watcher")
    adapter = cluster.there.adapter
    await adapter.enter(ROOM, "u", b"")
    adapter.leave(ROOM, "u", hold=0.5)
    await adapter.enter(ROOM, "u", b"")
    await cluster.wait(2.0)
    assert users(await cluster.here.told(ROOM, by=cluster.there)) == [("joined", "watcher"), ("joined", "u")]


async def test_coming_back_does_not_use_up_a_hold(cluster: Cluster) -> None:
    await enter(cluster.here, user="watcher")
    adapter = cluster.there.adapter
    await adapter.enter(ROOM, "u", b"")
    adapter.leave(ROOM, "u", hold=60.0)
    await adapter.enter(ROOM, "u", b"")
    adapter.leave(ROOM, "u")
    assert ("left", "u") not in users(await cluster.here.told(ROOM, by=cluster.there))
    assert sorted(await adapter.members(ROOM)) == ["u", "watcher"]


async def test_a_hold_of_nobody_in_particular_keeps_a_topic_occupied(cluster: Cluster) -> None:
    here, there = cluster.here.adapter, cluster.there.adapter
    for topic, seconds in ((ROOM, 60.0), (OTHER, 0.5)):
        await enter(cluster.here, topic, user=None)
        await there.enter(topic)
        here.leave(topic, hold=seconds)
        there.leave(topic)
    await cluster.wait(0.5)
    await cluster.here.recorder.wait_until(lambda: bool(cluster.here.recorder.of("vacated")))
    assert kinds(await cluster.here.told(OTHER, by=cluster.there)) == ["occupied", "vacated"]
    assert kinds(await cluster.here.told(ROOM, by=cluster.there)) == ["occupied"]
    assert set(await here.occupied_topics("app")) == {"presence-room"}


# Messages


async def test_the_last_message_that_is_to_be_remembered_is(cluster: Cluster) -> None:
    here, there = cluster.here.adapter, cluster.there.adapter
    assert await here.remembered(ROOM) is None
    await there.publish(ROOM, b"first", remember=60.0)
    await there.publish(ROOM, b"second", remember=60.0)
    await there.publish(ROOM, b"not to be")
    remembered = await here.remembered(ROOM)
    assert remembered is not None
    assert remembered.payload == b"second"
    assert await here.remembered(OTHER) is None
    entry = await enter(cluster.here)
    assert entry.remembered is not None
    assert entry.remembered.payload == b"second"


async def test_it_is_forgotten_in_time(cluster: Cluster) -> None:
    await cluster.here.adapter.publish(ROOM, b"soon gone", remember=1.0)
    await cluster.wait(1.1)
    assert await cluster.there.adapter.remembered(ROOM) is None
    assert (await enter(cluster.there)).remembered is None


async def test_what_is_to_be_published_once_is(cluster: Cluster) -> None:
    await enter(cluster.here)
    await enter(cluster.here, OTHER)
    for node in (cluster.here, cluster.there):
        for topic in (ROOM, OTHER):
            await node.adapter.publish(topic, b"first", once="1")
            await node.adapter.publish(topic, b"another", once="2" + str(node is cluster.here))
    for topic in (ROOM, OTHER):
        told = await cluster.here.told(topic, by=cluster.there)
        payloads = [item[3] for item in told if item[0] == "message"]
        assert payloads.count(b"first") == 1
        assert payloads.count(b"another") == len({id(cluster.here), id(cluster.there)})


# Numbers


async def test_subscriptions_are_added_up_and_announced_where_that_is_asked_for(cluster: Cluster) -> None:
    here, there = cluster.here, cluster.there
    await enter(here)
    there.adapter.count(ROOM, 3)
    (before,) = await there.adapter.describe([ROOM])
    assert before.subscriptions == 3
    assert "counted" not in kinds(await here.told(ROOM, by=there))
    there.adapter.count(ROOM, 4, announce=True)
    await here.recorder.wait_until(lambda: bool(here.recorder.of("counted")))
    assert [item[3] for item in here.recorder.of("counted")][-1] == 4
    here.adapter.count(ROOM, 2, announce=True)
    total = 2 if here is there else 6
    await here.recorder.wait_until(lambda: here.recorder.of("counted")[-1][3] == total)
    (described,) = await there.adapter.describe([ROOM])
    assert described.subscriptions == total


async def test_a_number_of_connections_is_limited_per_application(cluster: Cluster) -> None:
    here, there = cluster.here.adapter, cluster.there.adapter
    assert [await adapter.admit("app", 2) for adapter in (here, there, here, there)] == [True, True, False, False]
    assert await there.admit("app2", 1)
    assert await there.admit("app", None)
    for adapter in (here, there):
        adapter.discharge("app")
    assert [await adapter.admit("app", 2) for adapter in (here, there)] == [True, False]


# Rates


async def spend_all(cluster: Cluster, amount: int, rate: int) -> None:
    """Spend an allowance to its end, on both nodes in turn."""
    for _ in range(amount):
        for node in (cluster.here, cluster.there):
            await node.adapter.spend("app", "events", 1, rate)


async def test_what_is_spent_on_one_node_is_missing_on_all(cluster: Cluster) -> None:
    here, there = cluster.here.adapter, cluster.there.adapter

    async def spend_four(app_id: str) -> list[Spent]:
        return [await adapter.spend(app_id, "events", 1, 2) for adapter in (here, there, here, there)]

    answers = await in_one_go(cluster, spend_four, within=0.4)
    assert [answer.is_granted for answer in answers] == [True, True, False, False]
    refused = answers[-1]
    assert refused.remaining == 0
    assert 0 < refused.wait <= 0.5
    assert 0 < refused.reset <= 2.0


async def test_an_allowance_fills_again_evenly(cluster: Cluster) -> None:
    began = cluster.now()
    await spend_all(cluster, 10, 10)
    await cluster.wait(0.5)
    granted = [(await cluster.there.adapter.spend("app", "events", 1, 10)).is_granted for _ in range(10)]
    assert 3 <= sum(granted) <= 4 + 10 * (cluster.now() - began)
    await cluster.wait(1.5)
    answer = await cluster.here.adapter.spend("app", "events", 9, 10)
    assert answer.is_granted
    assert answer.wait == 0


async def test_applications_and_allowances_are_kept_apart(cluster: Cluster) -> None:
    await spend_all(cluster, 4, 4)
    for app_id, what in (("app", "reads"), ("app2", "events")):
        assert (await cluster.there.adapter.spend(app_id, what, 4, 4)).is_granted


async def test_all_of_an_amount_is_granted_or_nothing(cluster: Cluster) -> None:
    async def spend_seven_and_four(app_id: str) -> list[Spent]:
        return [await cluster.here.adapter.spend(app_id, "events", amount, 10) for amount in (7, 4)]

    granted, refused = await in_one_go(cluster, spend_seven_and_four, within=0.09)
    assert granted.is_granted
    assert not refused.is_granted
    assert refused.wait > 0


async def test_an_amount_above_the_rate_is_granted_when_there_is_enough_and_the_rest_is_owed(cluster: Cluster) -> None:
    here, there = cluster.here.adapter, cluster.there.adapter
    began = cluster.now()
    first = await here.spend("app", "events", 30, 10)
    assert first.is_granted
    assert first.reset > 2
    while not (await there.spend("app", "events", 1, 10)).is_granted:
        await cluster.wait(0.1)
    assert cluster.now() - began > 2.0


async def test_many_who_spend_at_once_get_no_more_than_there_is(cluster: Cluster) -> None:
    began = cluster.now()
    calls = [node.adapter.spend("app", "events", 1, 50) for _ in range(100) for node in (cluster.here, cluster.there)]
    granted = sum(answer.is_granted for answer in await asyncio.gather(*calls))
    assert 50 <= granted <= 80 + 50 * (cluster.now() - began)


async def test_a_rate_may_be_another_one_each_time(cluster: Cluster) -> None:
    await spend_all(cluster, 4, 4)
    await cluster.wait(0.4)
    assert (await cluster.here.adapter.spend("app", "events", 20, 100)).is_granted


# Reads


async def test_topics_are_described_in_the_order_asked_for(cluster: Cluster) -> None:
    adapter = cluster.here.adapter
    await enter(cluster.here, user="u")
    await enter(cluster.there, user="v")
    nobody, room = await adapter.describe([OTHER, ROOM])
    assert (nobody.occupied, nobody.subscriptions, nobody.members) == (False, 0, 0)
    assert (room.occupied, room.subscriptions, room.members) == (True, 0, 2)
    assert await adapter.describe([]) == []
    assert await adapter.members(OTHER) == []


async def test_occupied_topics_are_found_by_application_and_prefix(cluster: Cluster) -> None:
    here, there = cluster.here.adapter, cluster.there.adapter
    for app_id, name in (("app", "presence-a"), ("app", "presence-b"), ("app", "news"), ("app2", "presence-c")):
        await there.enter(topic_of(app_id, name), "u", b"")
    there.count(topic_of("app", "presence-empty"), 0)
    assert set(await here.occupied_topics("app")) == {"presence-a", "presence-b", "news"}
    found = await here.occupied_topics("app", "presence-")
    assert {name: occupancy.members for name, occupancy in found.items()} == {"presence-a": 1, "presence-b": 1}
    assert await here.occupied_topics("ap") == {}
    there.leave(topic_of("app", "news"), "u")

    async def is_gone() -> bool:
        return "news" not in await here.occupied_topics("app")

    await eventually(is_gone)


async def test_nodes_know_of_each_other(cluster: Cluster) -> None:
    adapters = {id(node): node.adapter for node in (cluster.here, cluster.there)}.values()
    for adapter in adapters:
        await adapter.admit("app", None)
        adapter.declare("ready", 1)

    async def all_are_ready() -> bool:
        nodes = await cluster.here.adapter.nodes()
        return [(node.state, node.connections) for node in nodes] == [("ready", 1)] * len(adapters)

    await eventually(all_are_ready)


# Termination


async def test_who_entered_before_the_command_is_meant_and_who_enters_after_it_is_not(cluster: Cluster) -> None:
    before = await enter(cluster.here)
    await cluster.wait(0.01)
    await cluster.there.adapter.terminate(ROOM)
    await cluster.here.recorder.wait_until(lambda: bool(cluster.here.recorder.of("terminated")))
    await cluster.wait(0.01)
    after = await enter(cluster.there)
    (told,) = cluster.here.recorder.of("terminated")
    at = told[3]
    assert isinstance(at, float)
    assert before.at <= at < after.at


# The end


async def test_a_node_that_signs_off_takes_its_entries_and_counts_along_but_leaves_its_holds(cluster: Cluster) -> None:
    if cluster.here is cluster.there:
        pytest.skip("a node that is alone has nobody to tell")
    await enter(cluster.here, user="stays")
    there = cluster.there.adapter
    await there.enter(ROOM, "goes", b"")
    await there.enter(ROOM, "is held", b"")
    there.count(ROOM, 5)
    there.leave(ROOM, "is held", hold=60.0)
    await there.stop()
    await cluster.here.recorder.wait_until(lambda: bool(cluster.here.recorder.of("left")))
    assert sorted(await cluster.here.adapter.members(ROOM)) == ["is held", "stays"]
    (described,) = await cluster.here.adapter.describe([ROOM])
    assert described.subscriptions == 0
