"""Each script by itself, on real servers: what it answers, writes and announces; repeats, holes, fencing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from adapter.outbox import OutboxOptions
from adapter.redis.errors import Refusal
from adapter.redis.keys import claim_of, who_is
from adapter.redis.link.link import Link, open_link
from adapter.redis.link.place import Place
from adapter.redis.primaries.startup import load_scripts
from adapter.redis.scripts import NAMES, Scripts
from adapter.redis.shard.envelope import Kind, read
from tests.adapter.redis.caller import TOPIC, Caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.adapter.redis.servers import Server

FENCED, STALE, HOLE, APPLIED = -1, 0, -2, 1


@pytest.fixture
async def link(server: Server) -> AsyncIterator[Link]:
    link = await open_link(Place(port=server.port), connect_timeout=2.0, answer_timeout=2.0)
    await load_scripts(link, Scripts(sharded=False))
    yield link
    link.wire.close()


@pytest.fixture
async def a(link: Link, prefix: str) -> Caller:
    caller = Caller(link, prefix, "boot-a")
    await caller.register()
    return caller


@pytest.fixture
async def b(link: Link, prefix: str, a: Caller) -> Caller:
    caller = Caller(link, prefix, "boot-b")
    await caller.register()
    return caller


def test_every_script_says_what_it_wants_and_returns() -> None:
    for name, source in Scripts(sharded=False).sources.items():
        text = source.decode()
        assert "KEYS" in text, name
        assert "-- returns" in text, name
    assert len(NAMES) >= 12


# Numbered writes


async def test_a_write_is_numbered_journalled_and_counted(a: Caller) -> None:
    assert await a.write(a.writes.publish(TOPIC, b"one", "1.1", 0, "")) == [APPLIED, a.epoch.encode(), 1]
    assert await a.write(a.writes.publish(TOPIC, b"two", "", 0, "")) == [APPLIED, a.epoch.encode(), 2]
    assert await a.journal() == [(1, Kind.MESSAGE, "1.1", b"one"), (2, Kind.MESSAGE, "", b"two")]


async def test_a_repeat_has_no_effect_and_is_answered_as_applied(a: Caller) -> None:
    write = a.writes.publish(TOPIC, b"one", "", 0, "")
    await a.write(write, 1)
    assert await a.write(write, 1) == [APPLIED, a.epoch.encode(), 1]
    assert len(await a.journal()) == 1


async def test_a_write_behind_a_hole_is_refused(a: Caller) -> None:
    assert await a.write(a.writes.publish(TOPIC, b"x", "", 0, ""), 2) == [HOLE, a.epoch.encode(), 0]
    assert await a.journal() == []


async def test_a_write_of_another_epoch_is_refused(a: Caller) -> None:
    a.epoch = "1.000000"
    assert (await a.write(a.writes.publish(TOPIC, b"x", "", 0, "")))[0] == STALE


async def test_a_fenced_boot_is_refused_with_its_last_number(a: Caller) -> None:
    await a.enter("u")
    assert await a.run("fence", [a.keys.writes(a.boot)], 60) == 1
    assert await a.run("fence", [a.keys.writes(a.boot)], 60) == 1
    assert await a.enter("v") == [FENCED, a.epoch.encode(), 1]
    assert 0 < await a.link.ask("TTL", a.keys.writes(a.boot)) <= 60


async def test_a_boot_that_was_forgotten_is_refused(a: Caller) -> None:
    await a.link.ask("DEL", a.keys.writes(a.boot))
    assert await a.enter("v") == [FENCED, a.epoch.encode(), -1]


async def test_a_boot_that_redis_has_forgotten_is_declared_dead_like_any_other(a: Caller) -> None:
    """Or it could enrol again, and nobody would clean up after it any more."""
    await a.link.ask("DEL", a.keys.writes(a.boot))
    assert await a.run("fence", [a.keys.writes(a.boot)], 60) == -1
    assert await a.enter("u") == [FENCED, a.epoch.encode(), -1]
    assert (await a.register(is_new=False, known="1.000000", acknowledged=5))[3] == b"x-1"
    assert await a.enter("u") == [FENCED, a.epoch.encode(), -1]


# Publish


async def test_what_is_published_is_sent_under_its_position(a: Caller, server: Server) -> None:
    listener = await open_link(Place(port=server.port), connect_timeout=2.0, answer_timeout=2.0)
    await listener.ask("SUBSCRIBE", a.keys.channel(TOPIC))
    heard: asyncio.Queue[Any] = asyncio.Queue()
    listener.wire.on_reply = heard.put_nowait
    await a.write(a.writes.publish(TOPIC, b"one", "1.1", 0, ""))
    _, channel, data = await heard.get()
    assert channel.decode() == a.keys.channel(TOPIC)
    assert read(data) == (1, Kind.MESSAGE, "1.1", b"one")
    listener.wire.close()


async def test_a_marked_publish_is_sent_once_whoever_repeats_it(a: Caller, b: Caller) -> None:
    await a.write(a.writes.publish(TOPIC, b"one", "", 0, "key"))
    assert (await b.write(b.writes.publish(TOPIC, b"one", "", 0, "key")))[0] == APPLIED
    assert len(await a.journal()) == 1


async def test_a_remembered_message_is_told_with_the_entry(a: Caller) -> None:
    await a.write(a.writes.publish(TOPIC, b"one", "", 60, ""))
    *_, stored, ttl, _ = await a.enter(None)
    assert stored.endswith(b"one")
    assert 0 < ttl <= 60_000


async def test_the_journal_is_bounded_by_size_too(a: Caller) -> None:
    for _ in range(200):
        await a.write(a.writes.publish(TOPIC, b"x" * 100_000, "", 0, ""))
    assert await a.link.ask("XLEN", a.keys.journal) < 150
    assert 0 < await a.link.ask("TTL", a.keys.journal) <= 3600


# Entries


async def test_the_first_entry_occupies_and_each_user_joins_once(a: Caller, b: Caller) -> None:
    await a.enter("u")
    await b.enter("u")
    await b.enter("v")
    assert await a.told() == [(Kind.OCCUPIED, None), (Kind.JOINED, "u"), (Kind.JOINED, "v")]
    assert await a.link.ask("SMEMBERS", a.keys.occupied("app")) == [TOPIC.encode()]


async def test_an_entry_is_answered_with_position_version_and_roster(a: Caller) -> None:
    await a.enter("u")
    await a.write(a.writes.publish("app/other", b"x", "", 0, ""))
    verdict, _, stored, is_full, position, subscriptions, version, _, _, roster, *_ = await a.enter(None)
    assert (verdict, stored, is_full, int(position), subscriptions, int(version)) == (APPLIED, 3, 0, 3, 0, 2)
    assert roster == [b"u", b"info"]


async def test_who_leaves_while_others_hold_the_user_is_not_told(a: Caller, b: Caller) -> None:
    await a.enter("u")
    await b.enter("u")
    await a.leave("u")
    await a.leave("u")
    assert (Kind.LEFT, "u") not in await a.told()
    await b.leave("u")
    assert (await a.told())[-2:] == [(Kind.LEFT, "u"), (Kind.VACATED, None)]


async def test_nothing_is_left_of_a_topic_that_all_have_left(a: Caller, b: Caller) -> None:
    await a.enter("u")
    await b.enter(None)
    await a.write(a.writes.count(TOPIC, 2, announce=True))
    await a.leave("u")
    await b.leave(None)
    await a.write(a.writes.count(TOPIC, 0, announce=True))
    for key in (a.keys.state(TOPIC), a.keys.roster(TOPIC), a.keys.occupied("app"), a.keys.claims(a.boot)):
        assert await a.link.ask("EXISTS", key) == 0


async def test_a_repeated_entry_is_answered_afresh(a: Caller, b: Caller) -> None:
    write = a.writes.enter(TOPIC, who_is("u"), b"info")
    await a.write(write, 1)
    await b.enter("v")
    answer = await a.write(write, 1)
    assert (answer[3], int(answer[4]), answer[9][::2]) == (0, 3, [b"u", b"v"])


async def test_a_full_topic_takes_known_members_only(a: Caller, b: Caller) -> None:
    await a.enter("u", limit=1)
    assert (await b.enter("v", limit=1))[3] == 1
    assert (await b.enter("u", limit=1))[3] == 0
    assert await a.number_of("members") == 1


async def test_a_quiet_entry_asks_others_to_look(a: Caller) -> None:
    await a.enter("u", told="look")
    assert await a.told() == [(Kind.LOOK, None)]
    assert await a.number_of("members") == 1
    assert await a.number_of("version") == 1


# Holds


async def test_a_hold_keeps_the_user_until_it_is_due(a: Caller, b: Caller) -> None:
    await a.enter("u")
    await a.leave("u", 60_000)
    claim = claim_of(TOPIC, who_is("u"))
    assert (await b.write(b.writes.lapse(claim), -1))[0] == APPLIED
    assert (Kind.LEFT, "u") not in await a.told()
    await a.link.ask("ZADD", a.keys.holds, 1, claim)
    await b.write(b.writes.lapse(claim), -1)
    await b.write(b.writes.lapse(claim), -1)
    assert (await a.told())[-2:] == [(Kind.LEFT, "u"), (Kind.VACATED, None)]
    assert await a.link.ask("EXISTS", a.keys.holds) == 0


async def test_coming_back_does_not_use_up_a_hold_nor_does_its_end_remove_who_came_back(a: Caller) -> None:
    await a.enter("u")
    await a.leave("u", 60_000)
    await a.enter("u")
    claim = claim_of(TOPIC, who_is("u"))
    assert await a.number_of("h=u") == 2
    await a.link.ask("ZADD", a.keys.holds, 1, claim)
    await a.write(a.writes.lapse(claim), -1)
    assert (Kind.LEFT, "u") not in await a.told()
    assert await a.number_of("h=u") == 1


async def test_the_longer_of_two_holds_counts(a: Caller, b: Caller) -> None:
    for caller, hold in ((a, 60_000), (b, 5_000)):
        await caller.enter("u")
        await caller.leave("u", hold)
    seconds, _ = await a.link.ask("TIME")
    due = float(await a.link.ask("ZSCORE", a.keys.holds, claim_of(TOPIC, who_is("u")))) / 1000
    assert due - int(seconds) > 50
    assert await a.number_of("h=u") == 1


async def test_the_survey_tells_positions_and_what_is_due(a: Caller) -> None:
    await a.enter("u")
    await a.leave("u", 1)
    await a.link.ask("ZADD", a.keys.holds, 1, claim_of(TOPIC, who_is("u")))
    ((epoch, _, position, due),) = await a.run("survey", [a.keys.meta, a.keys.holds], 10)
    assert (epoch.decode(), int(position), due) == (a.epoch, 2, [claim_of(TOPIC, who_is("u")).encode()])


# Numbers and commands


async def test_counts_of_all_nodes_add_up_and_changes_are_told(a: Caller, b: Caller) -> None:
    await a.write(a.writes.count(TOPIC, 2, announce=True))
    await b.write(b.writes.count(TOPIC, 3, announce=True))
    await b.write(b.writes.count(TOPIC, 3, announce=True))
    await a.write(a.writes.count(TOPIC, 1, announce=False))
    assert await a.told() == [(Kind.COUNTED, 2), (Kind.COUNTED, 5)]
    assert await a.number_of("subscriptions") == 4


async def test_a_command_to_end_connections_is_told_and_kept_for_a_while(a: Caller) -> None:
    await a.write(a.writes.terminate(TOPIC))
    ((kind, at),) = await a.told()
    ((topic, score),) = [await a.link.ask("ZRANGE", a.keys.commands, 0, -1, "WITHSCORES")]
    assert (kind, topic) == (Kind.TERMINATED, TOPIC.encode())
    assert float(score) == pytest.approx(at, abs=1e-5)
    assert 0 < await a.link.ask("TTL", a.keys.commands) <= 300


# The outbox


async def entries(caller: Caller) -> list[tuple[bytes, bytes, bytes]]:
    """Return topic, kind and user of what is in the outbox."""
    found = await caller.link.ask("XRANGE", caller.keys.outbox, "-", "+")
    return [(fields[1], fields[3], fields[5]) for _, fields in found]


async def taken(caller: Caller, *, after: str = "", most: int = 10, idle: int = 0) -> list[bytes]:
    _, found = await caller.run("take", [caller.keys.outbox], caller.boot, most, after, idle)
    return [entry_id for entry_id, _ in found]


async def ripen(caller: Caller, *, most: int = 100) -> int:
    """Have everything that is held back be due, and moved."""
    keys = caller.keys
    held_back = await caller.link.ask("ZRANGE", keys.held_back, 0, -1)
    for what in held_back:
        await caller.link.ask("ZADD", keys.held_back, 5_000, what)
    names = [keys.outbox, keys.held_back, keys.meta, *(keys.state(TOPIC) for _ in held_back)]
    return int(await caller.run("ripen", names, most, 3_000, *held_back))


@pytest.fixture
def wanted(a: Caller, b: Caller) -> None:
    for caller in (a, b):
        caller.writes.wants = lambda topic: 7


async def test_nothing_is_kept_of_what_nobody_wants(a: Caller) -> None:
    await a.enter("u")
    await a.write(a.writes.count(TOPIC, 1, announce=True))
    await a.leave("u")
    assert await a.link.ask("EXISTS", a.keys.outbox, a.keys.held_back) == 0


@pytest.mark.usefixtures("wanted")
async def test_a_transition_and_its_notice_are_one_step(a: Caller, b: Caller) -> None:
    topic = TOPIC.encode()
    write = a.writes.enter(TOPIC, who_is("u"), b"info")
    await a.write(write, 1)
    await a.write(write, 1)
    await b.enter("u")
    assert await entries(a) == [(topic, b"occupied", b""), (topic, b"joined", b"u")]
    a.number = 1
    await a.leave("u")
    await b.leave("u")
    assert len(await entries(a)) == 2
    assert await ripen(a) == 2
    assert await ripen(a) == 0
    assert (await entries(a))[2:] == [(topic, b"left", b"u"), (topic, b"vacated", b"")]


@pytest.mark.usefixtures("wanted")
async def test_whoever_comes_back_undoes_what_is_held_back(a: Caller, b: Caller) -> None:
    await a.enter("u")
    await a.leave("u")
    await b.enter("u")
    assert await a.link.ask("EXISTS", a.keys.held_back) == 0
    assert len(await entries(a)) == 2


@pytest.mark.usefixtures("wanted")
async def test_what_was_only_forgotten_is_no_notice_but_undoes_one(a: Caller, b: Caller) -> None:
    await a.enter("u", told="nothing")
    await a.leave("u")
    await b.enter("u", told="look")
    assert await entries(a) == []
    assert await a.link.ask("EXISTS", a.keys.held_back) == 0


@pytest.mark.usefixtures("wanted")
async def test_who_takes_back_what_it_knows_nothing_of_keeps_the_notice(a: Caller, b: Caller) -> None:
    await a.enter("u")
    await a.write(a.writes.count(TOPIC, 1, announce=True))
    b.writes.wants = lambda topic: 0
    claims = a.keys.claims(a.boot)
    await b.write(b.writes.count(TOPIC, 0, announce=True, claims=claims), -1)
    await b.write(b.writes.leave(TOPIC, who_is("u"), 0, claims=claims), -1)
    await ripen(a)
    kinds = [kind for _, kind, _ in await entries(a)]
    assert kinds == [b"occupied", b"joined", b"counted", b"counted", b"left", b"vacated"]


@pytest.mark.usefixtures("wanted")
async def test_a_full_outbox_takes_no_more_and_counts_that(a: Caller) -> None:
    a.writes.outbox = OutboxOptions(most=1)
    await a.enter("u")
    assert len(await entries(a)) == 1
    assert await a.link.ask("HGET", a.keys.meta, "dropped") == b"1"


async def test_a_notice_that_a_node_hands_in_twice_is_one(a: Caller) -> None:
    write = a.writes.notify(TOPIC, "client_event", b"{}", 0)
    await a.write(write, 1)
    await a.write(write, 1)
    assert len(await entries(a)) == 1


async def test_notices_apart_from_each_other(a: Caller, b: Caller) -> None:
    for caller in (a, b):
        await caller.write(caller.writes.notify(TOPIC, "cache_miss", b"", 60.0))
    assert len(await entries(a)) == 1


async def test_what_is_handed_out_is_nobody_elses_until_it_is_left_behind(a: Caller, b: Caller) -> None:
    assert await taken(a) == []
    for number in range(3):
        await a.write(a.writes.notify(TOPIC, "client_event", b"%d" % number, 0))
    first = await taken(a, most=2)
    rest = await taken(b)
    assert (len(first), len(rest), await taken(a)) == (2, 1, [])
    assert await taken(b, after="-") == []
    assert await a.run("release", [a.keys.outbox], a.boot) == 2
    assert await a.run("release", [a.keys.outbox], a.boot) == 0
    assert await taken(b, after="-") == first
    assert await taken(b, after="-") == []
    assert await a.run("settle", [a.keys.outbox], *first, *rest) == 3
    assert await a.run("settle", [a.keys.outbox], *first, *rest) == 0
    assert await a.link.ask("XLEN", a.keys.outbox) == 0


async def test_what_is_settled_while_somebody_has_it_is_not_handed_out_again(a: Caller, b: Caller) -> None:
    await a.write(a.writes.notify(TOPIC, "client_event", b"", 0))
    (entry_id,) = await taken(a)
    await a.link.ask("XDEL", a.keys.outbox, entry_id)
    assert await taken(b, after=a.boot) == []
    assert (await a.link.ask("XPENDING", a.keys.outbox, "nodes"))[0] == 0


async def test_a_glance_tells_what_waits_and_what_is_due(a: Caller) -> None:
    a.writes.wants = lambda topic: 7
    keys = [a.keys.outbox, a.keys.held_back, a.keys.buried, a.keys.meta]
    _, before = await a.run("glance", keys, 10)
    assert before == [0, 0, [], [], 0, 0, b"0"]
    await a.enter("u")
    await a.leave("u")
    now, (length, oldest, consumers, due, held_back, *_) = await a.run("glance", keys, 10)
    assert (length, consumers, due, held_back) == (2, [], [], 2)
    assert 0 <= now - oldest < 5_000
    await taken(a)
    _, (_, oldest, consumers, *_) = await a.run("glance", keys, 10)
    assert (oldest, consumers) == (0, [[b"boot-a", b"2"]])


async def test_too_many_dead_letters_are_counted(a: Caller) -> None:
    keys = [a.keys.buried, a.keys.meta]
    assert [await a.run("bury", keys, name, b"\x90", 2, 60) for name in ("x", "y", "x", "z")] == [1, 1, 1, 0]
    assert await a.link.ask("HGET", a.keys.meta, "dropped") == b"1"
    assert 0 < await a.link.ask("TTL", a.keys.buried) <= 60


# Registration


async def test_the_epoch_moves_with_the_server_and_is_noted(a: Caller) -> None:
    await a.enter("u")
    before = a.epoch
    await a.link.ask("HSET", a.keys.meta, "replid", "another server")
    epoch, position, noted, stored, is_settling, _ = await a.register(is_new=False, known=before, acknowledged=1)
    assert epoch.decode() != before
    assert (position, noted.decode().strip(), stored, is_settling) == (b"2", f"{before}=2", b"1", 0)


async def test_four_epochs_are_noted(a: Caller) -> None:
    epochs = [a.epoch]
    for _ in range(6):
        await a.link.ask("HSET", a.keys.meta, "replid", "another server")
        answer = await a.register(is_new=False, known=epochs[-1])
        epochs.append(answer[0].decode())
    noted = [pair.split("=")[0] for pair in answer[2].decode().split()]
    assert noted == epochs[-2:-6:-1]


async def test_acknowledged_writes_that_the_server_lost_are_not_asked_for_again(a: Caller) -> None:
    await a.enter("u")
    await a.link.ask("HSET", a.keys.meta, "replid", "another server")
    answer = await a.register(is_new=False, known=a.epoch, acknowledged=5)
    assert answer[3] == b"1"
    assert await a.link.ask("GET", a.keys.writes(a.boot)) == b"5"


async def test_a_tombstone_stays_one(a: Caller) -> None:
    await a.run("fence", [a.keys.writes(a.boot)], 60)
    answer = await a.register(is_new=False, known=a.epoch, acknowledged=9)
    assert answer[3] == b"x0"
    assert await a.link.ask("GET", a.keys.writes(a.boot)) == b"x0"


async def test_a_shard_that_lost_its_memory_settles_when_its_peers_are_back(a: Caller, b: Caller) -> None:
    lost = "1.000000"
    assert (await a.register("boot-b", is_new=False, known=lost))[4] == 1
    assert (await b.register("boot-a", is_new=False, known=lost))[4] == 1
    # Not before three seconds: here they have passed already.
    began = float(await a.link.ask("HGET", a.keys.meta, "settling"))
    await a.link.ask("HSET", a.keys.meta, "settling", f"{began - 3:.6f}")
    assert (await a.register("boot-b", is_new=False, known=a.epoch))[4] == 0
    assert (await b.register("boot-a", is_new=False, known=b.epoch))[4] == 0


async def test_a_shard_does_not_wait_for_ever_for_a_peer(a: Caller) -> None:
    assert (await a.register("boot-dead", is_new=False, known="1.000000"))[4] == 1
    began = float(await a.link.ask("HGET", a.keys.meta, "settling"))
    await a.link.ask("HSET", a.keys.meta, "settling", f"{began - 3:.6f}")
    assert (await a.register("boot-dead", is_new=False, known=a.epoch))[4] == 1
    await a.link.ask("HSET", a.keys.meta, "settling", f"{began - 10:.6f}")
    assert (await a.register("boot-dead", is_new=False, known=a.epoch))[4] == 0


async def test_a_new_shard_has_nothing_to_settle(a: Caller, b: Caller) -> None:
    assert (await b.register("boot-a", known=""))[4] == 0


# The others


async def test_beats_tell_who_was_heard_and_fenced_boots_are_told_so(a: Caller) -> None:
    keys = [a.keys.beats, a.keys.nodes, a.keys.writes(a.boot)]
    is_alive, now, beats = await a.run("beat", keys, a.boot, "{}")
    assert (is_alive, beats[0]) == (1, a.boot.encode())
    assert float(beats[1]) == pytest.approx(float(now), abs=1e-5)
    await a.run("fence", [a.keys.writes(a.boot)], 60)
    assert (await a.run("beat", keys, a.boot, "{}"))[0] == 0


async def test_who_was_heard_in_the_future_was_heard_now(a: Caller) -> None:
    """Another primary may have another clock: nobody lives on for as long as they differ."""
    keys = [a.keys.beats, a.keys.nodes, a.keys.writes(a.boot)]
    await a.link.ask("ZADD", a.keys.beats, 9_000_000_000, "dead")
    _, now, beats = await a.run("beat", keys, a.boot, "{}")
    heard = dict(zip(beats[::2], beats[1::2], strict=True))
    assert float(heard[b"dead"]) == pytest.approx(float(now), abs=1e-5)


async def test_where_the_beats_were_forgotten_who_was_known_will_be_missed(a: Caller) -> None:
    keys = [a.keys.beats, a.keys.nodes, a.keys.writes(a.boot)]
    _, now, beats = await a.run("beat", keys, a.boot, "{}", "boot-b")
    heard = dict(zip(beats[::2], beats[1::2], strict=True))
    assert float(heard[b"boot-b"]) == pytest.approx(float(now), abs=1e-5)
    await a.link.ask("ZREM", a.keys.beats, "boot-b")
    _, _, beats = await a.run("beat", keys, a.boot, "{}", "boot-b")
    assert b"boot-b" not in beats, "it has signed off"


async def test_who_lives_is_known_though_the_server_is_full(a: Caller, server: Server) -> None:
    keys = [a.keys.beats, a.keys.nodes, a.keys.writes(a.boot)]
    _, before, _ = await a.run("beat", keys, a.boot, "{}")
    server.command("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(Refusal, match="OOM"):
            await a.enter("u")
        _, now, beats = await a.run("beat", keys, a.boot, "{}")
    finally:
        server.command("CONFIG", "SET", "maxmemory", "0")
    assert float(beats[1]) == pytest.approx(float(now), abs=1e-5)
    assert float(now) > float(before)


async def test_leases_stay_within_the_limit_of_all(a: Caller) -> None:
    keys = [a.keys.leases("app"), a.keys.nodes]
    for boot in ("boot-a", "boot-b"):
        await a.link.ask("HSET", a.keys.nodes, boot, "{}")
    assert await a.run("lease", keys, "boot-a", 6, 10) == [6, 4, 0]
    assert await a.run("lease", keys, "boot-b", 6, 10) == [4, 0, 0]
    assert await a.run("lease", keys, "boot-a", 8, 10) == [6, 0, 0]
    assert await a.run("lease", keys, "boot-a", 0, 10) == [0, 6, 0]


async def test_a_node_that_leaves_is_told_of_to_the_others_while_it_has_a_lease(a: Caller) -> None:
    keys = [a.keys.leases("app"), a.keys.nodes]
    for boot in ("boot-a", "boot-b"):
        await a.link.ask("HSET", a.keys.nodes, boot, "{}")
    await a.run("lease", keys, "boot-a", 10, 10)
    await a.link.ask("HSET", a.keys.nodes, "boot-a", '{"leaving": true}')
    assert await a.run("lease", keys, "boot-b", 1, 10) == [0, 0, 1]
    assert await a.run("lease", keys, "boot-a", 9, 10) == [9, 1, 0]
    assert await a.run("lease", keys, "boot-b", 1, 10) == [1, 0, 1]
    await a.run("lease", keys, "boot-a", 0, 10)
    assert await a.run("lease", keys, "boot-b", 1, 10) == [1, 9, 0]


async def test_what_a_node_leased_that_is_gone_is_free_again(a: Caller) -> None:
    """It may have died before it said of which applications it had leases."""
    keys = [a.keys.leases("app"), a.keys.nodes]
    await a.run("lease", keys, "boot-gone", 10, 10)
    assert await a.run("lease", keys, "boot-a", 6, 10) == [6, 4, 0]
    assert await a.link.ask("HKEYS", keys[0]) == [b"boot-a"]


async def test_whoever_comes_first_decides_what_is_agreed(a: Caller) -> None:
    assert await a.run("agree", [a.keys.agreed], "ours") == b"ours"
    assert await a.run("agree", [a.keys.agreed], "theirs") == b"ours"


async def test_trying_all_commands_leaves_nothing_behind(a: Caller) -> None:
    assert await a.run("permissions", [a.keys.scratch("boot-a")], "nobody-listens") == b""
    assert await a.link.ask("EXISTS", a.keys.scratch("boot-a")) == 0


async def test_what_is_drawn_by_one_is_missing_for_all_and_comes_back_with_time(a: Caller, b: Caller) -> None:
    key = a.keys.allowance("app", "events")
    began = asyncio.get_running_loop().time()
    assert await a.run("draw", [key], 1000, 1, 600, 0) == [600, 600_000]
    (second, missing) = await b.run("draw", [key], 1000, 1, 600, 0)
    assert 400 <= second <= 600
    assert missing > 999_000 or second == 600
    await asyncio.sleep(0.2)
    (third, _) = await a.run("draw", [key], 1000, 1, 1000, 0)
    assert third >= 200
    assert 600 + second + third <= 1000 + 1000 * (asyncio.get_running_loop().time() - began) + 1


async def test_beyond_what_is_needed_half_of_the_rest_is_granted_at_most_and_small_rests_as_a_whole(a: Caller) -> None:
    key = a.keys.allowance("app", "events")
    began = asyncio.get_running_loop().time()
    assert (await a.run("draw", [key], 640, 1, 40, 5_000))[0] == 340
    rest = (await a.run("draw", [key], 640, 1, 282, 5_000))[0]
    assert 290 <= rest <= 301 + 640 * (asyncio.get_running_loop().time() - began)


async def test_half_of_the_allowance_suffices_for_the_least_that_is_of_use(a: Caller) -> None:
    key = a.keys.allowance("app", "events")
    assert await a.run("draw", [key], 10, 50, 50, 0) == [50, 50_000]
    assert (await a.run("draw", [key], 10, 1, 1, 0))[0] == 0
    other = a.keys.allowance("app", "reads")
    began = asyncio.get_running_loop().time()
    assert (await a.run("draw", [other], 10, 6, 6, 0))[0] == 6
    rest = (await a.run("draw", [other], 10, 6, 6, 0))[0]
    assert 4 <= rest <= 4 + 10 * (asyncio.get_running_loop().time() - began)


async def test_a_clock_that_was_set_back_does_not_stop_an_allowance_from_filling(a: Caller) -> None:
    key = a.keys.allowance("app", "events")
    await a.link.ask("HSET", key, "missing", "1000", "at", "99999999999.0")
    assert (await a.run("draw", [key], 1000, 1, 1000, 0))[0] == 0
    await asyncio.sleep(0.1)
    assert (await a.run("draw", [key], 1000, 1, 1000, 0))[0] >= 90
