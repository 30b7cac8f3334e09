"""The contract, held against random lives of three nodes on one server, with links that break in all ways.

Another seed: ``SEED=123 pytest tests/adapter/redis/test_random_schedules.py``.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest

from tests.adapter.redis.masters import Masters
from tests.adapter.redis.proxy import Proxy
from tests.adapter.redis.schedule import FLAPPING, TOPICS, Schedule, changes_of, roster_of

if TYPE_CHECKING:
    from adapter import Topic
    from tests.adapter.redis.schedule import Actor, Change
    from tests.adapter.redis.servers import Server

SEED = int(os.environ.get("SEED") or random.randrange(1_000_000))
SCHEDULES = int(os.environ.get("SCHEDULES", "4"))
"""So many run at once, each with a seed and keys of its own."""
SECONDS = float(os.environ.get("SECONDS", "8"))
NODES = 3


@pytest.mark.slow
async def test_whatever_breaks_the_contract_holds(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    # Topics are left for good in the time there is.
    monkeypatch.setattr("adapter.redis.interest.LINGER", 0.3)
    print(f"SEED={SEED} SCHEDULES={SCHEDULES} SECONDS={SECONDS}")
    async with asyncio.TaskGroup() as tasks:
        for seed in range(SEED, SEED + SCHEDULES):
            tasks.create_task(_try_with_proxies(seed, own_server))


async def _try_with_proxies(seed: int, server: Server) -> None:
    async with AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(Proxy(server.port)) for _ in range(NODES)]
        urls = [proxy.url for proxy in proxies]
        await _try(Schedule(seed, urls, prefix=f"schedule-{seed}", proxies=proxies), f"SEED={seed} SCHEDULES=1")


@pytest.mark.slow
async def test_wherever_slots_move_the_contract_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapter.redis.interest.LINGER", 0.3)
    print(f"SEED={SEED} SECONDS={SECONDS}")
    with Masters() as masters:
        await _try(Schedule(SEED, [masters.url] * NODES, prefix="schedule", masters=masters), f"SEED={SEED}")


async def _try(schedule: Schedule, note: str) -> None:
    async with AsyncExitStack() as stack:
        for actor in schedule.actors:
            stack.push_async_callback(actor.adapter.stop)
        try:
            await schedule.run(SECONDS)
            for actor in schedule.actors:
                _check_is_whole(actor)
            for topic in TOPICS:
                await _check(schedule, topic)
            for actor in schedule.actors:
                _check_answers(actor)
            _check_visits(schedule)
        except (AssertionError, TimeoutError) as exc:
            exc.add_note(note)
            raise


@pytest.mark.slow
async def test_whatever_redis_forgets_nobody_is_taken_for_gone(own_server: Server) -> None:
    print(f"SEED={SEED} SECONDS={SECONDS}")
    async with AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(Proxy(own_server.port)) for _ in range(NODES)]
        urls = [proxy.url for proxy in proxies]
        schedule = Schedule(SEED, urls, prefix=f"schedule-{SEED}", proxies=proxies, server=own_server)
        for actor in schedule.actors:
            stack.push_async_callback(actor.adapter.stop)
        await schedule.run(SECONDS)
        await schedule.wait_converged()
        for topic in TOPICS:
            await _check_after_loss(schedule, topic)


async def _check_after_loss(schedule: Schedule, topic: Topic) -> None:
    steady = {actor.steady for actor in schedule.actors}
    for actor in schedule.actors:
        assert actor.adapter.stats.reborn == 0
        changes = changes_of(actor, topic)
        positions = [position for _, position, _ in changes]
        assert positions == sorted(set(positions)), "positions ascend"
        payloads = [payload for what, _, payload in changes if what == "message"]
        twice = {payload for payload, times in Counter(payloads).items() if times > 1}
        assert twice <= schedule.in_flight, "nothing comes twice but what was under way"
        assert not steady.intersection(who for what, _, who in changes if what == "left"), "who stays is not taken away"
        for item in actor.recorder.of("resynced"):
            assert item[1] != topic or steady <= set(cast("list[str]", item[3])), "nor missing after a loss"
        assert sorted(await actor.until_available(actor.adapter.members, topic)) == schedule.truth(topic)
        (told,) = await actor.until_available(actor.adapter.describe, [topic])
        assert told.subscriptions == sum(one.counts[topic] for one in schedule.actors)
    mark = b"the last"
    await schedule.actors[0].adapter.publish(topic, mark)
    for actor in schedule.actors:
        await actor.recorder.wait_until(partial(_has, actor, topic, mark))


def _has(actor: Actor, topic: Topic, payload: bytes) -> bool:
    return payload in actor.recorder.payloads(topic)


async def _check(schedule: Schedule, topic: Topic) -> None:
    first, *others = schedule.actors
    changes = changes_of(first, topic)
    for other in others:
        assert changes_of(other, topic) == changes, "all nodes see the same, in one order"
    positions = [position for _, position, _ in changes]
    assert positions == sorted(set(positions)), "positions ascend"
    _check_messages(schedule, topic, changes)
    _check_alternation(changes)
    _check_own(schedule, topic, changes)
    assert sorted(roster_of(changes)) == schedule.truth(topic)
    for actor in schedule.actors:
        assert sorted(await actor.until_available(actor.adapter.members, topic)) == schedule.truth(topic)
        (told,) = await actor.until_available(actor.adapter.describe, [topic])
        assert told.members == len(schedule.truth(topic))
        assert told.occupied == bool(schedule.truth(topic))
        assert told.subscriptions == sum(one.counts[topic] for one in schedule.actors)


def _check_messages(schedule: Schedule, topic: Topic, changes: list[Change]) -> None:
    payloads = [payload for what, _, payload in changes if what == "message"]
    assert len(set(payloads)) == len(payloads), "nothing comes twice"
    for actor in schedule.actors:
        ours = [payload for payload in payloads if str(payload).startswith(f"b'{actor.name} ")]
        missing = actor.accepted.intersection(actor.published[topic]).difference(ours)
        assert not missing, "what was accepted comes"
        # One that was asked for again after it was given up comes behind those that were asked for meanwhile.
        came = [payload for payload in ours if payload not in actor.given_up]
        asked = [payload for payload in actor.published[topic] if payload in set(came)]
        assert came == asked, "the order of a node's calls is kept"


def _check_alternation(changes: list[Change]) -> None:
    whos = {who for what, _, who in changes if what in {"joined", "left"}}
    for who in whos:
        told = [what for what, _, one in changes if one == who and what in {"joined", "left"}]
        assert told == ["joined", "left"] * (len(told) // 2) + ["joined"] * (len(told) % 2), f"{who} alternates"
    told = [what for what, _, _ in changes if what in {"occupied", "vacated"}]
    assert told == ["occupied", "vacated"] * (len(told) // 2) + ["occupied"] * (len(told) % 2)


def _check_own(schedule: Schedule, topic: Topic, changes: list[Change]) -> None:
    """Nothing that a node does with a user that is nowhere else is left out."""
    for actor in schedule.actors:
        told = [what for what, _, who in changes if what in {"joined", "left"} and who == actor.name]
        assert len(told) == actor.own_changes[topic], f"each change of {actor.name} is told"


def _check_is_whole(actor: Actor) -> None:
    assert (actor.adapter.stats.gaps, actor.adapter.stats.reborn) == (0, 0)
    assert actor.recorder.of("resynced") == []


def _check_answers(actor: Actor) -> None:
    changes = {topic: changes_of(actor, topic) for topic in TOPICS}
    for topic, user, entry, is_in in actor.entries:
        members = roster_of(changes[topic], until=entry.position)
        assert set(entry.members) == members, "an answer is how it stood at its position"
        # The answer to an entry that is asked for again shows what came after it, too.
        assert user in members or not is_in
        if entry.remembered is not None:
            known = [payload for what, at, payload in changes[topic] if what == "message" and at <= entry.position]
            assert entry.remembered.payload in known


def _check_visits(schedule: Schedule) -> None:
    """Who watches now and then misses nothing in between."""
    everything = {change[1]: change for actor in schedule.actors for change in changes_of(actor, FLAPPING)}
    for actor in schedule.actors:
        changes = changes_of(actor, FLAPPING)
        positions = [position for _, position, _ in changes]
        assert positions == sorted(set(positions)), "positions ascend"
        assert [everything[position] for position in positions] == changes, "a position means the same on all nodes"
        for visit in actor.visits:
            told = actor.recorder.told[: visit.until]
            seen = [int(str(item[2])) for item in told if item[1] == FLAPPING and isinstance(item[2], int)]
            if visit.since is not None and seen:
                wanted = {position for position in everything if visit.since < position <= seen[-1]}
                assert wanted <= set(seen), "nothing is missed during a visit"
