"""Nodes that share a real server: what one does, all hear; nothing goes lost between them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import pytest

from adapter import Entry, Full, Topic, Unavailable, topic_of
from adapter.redis import Misconfigured, RedisAdapter, RedisOptions
from adapter.redis.errors import LinkLost, Refusal
from adapter.redis.link.link import open_link
from adapter.redis.link.place import Place
from adapter.redis.link.subscription import Subscription
from adapter.redis.shard.shard import State
from tests.adapter.redis.proxy import Proxy
from tests.adapter.redis.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.adapter.redis.conftest import Node
    from tests.adapter.redis.servers import Server

    Start = Callable[..., Awaitable[Node]]

ROOM = topic_of("app", "presence-room")
PATIENCE = 20.0
"""Seconds until what a test waits for is hopeless."""
SOON = 0.5
"""Patience of nodes that are to give up."""


async def join(node: Node, topic: Topic, user: str | None = None) -> Entry:
    """Watch and enter a topic."""
    node.adapter.watch(topic)
    entry = await node.adapter.enter(topic, user, b"{}")
    assert isinstance(entry, Entry)
    return entry


# One path, one order


def _of(node: Node, condition: Callable[[Node], bool]) -> Callable[[], bool]:
    """Return the condition for one of several nodes."""
    return lambda: condition(node)


async def test_a_message_reaches_every_watching_node_at_the_same_position(start: Start, server: Server) -> None:
    a, b, elsewhere = [await start(server.url) for _ in range(3)]
    await join(a, ROOM)
    await join(b, ROOM)
    await a.adapter.publish(ROOM, b"payload", sender="1.1")
    for node in (a, b):
        await node.recorder.wait_until(_of(node, lambda node: bool(node.recorder.of("message"))))
    assert a.recorder.of("message") == b.recorder.of("message")
    assert a.recorder.of("message")[0][3:] == (b"payload", "1.1")
    assert elsewhere.recorder.told == []


async def test_nodes_see_each_others_messages_in_one_order(start: Start, server: Server) -> None:
    a, b = await start(server.url), await start(server.url)
    await join(a, ROOM)
    await join(b, ROOM)
    futures = [node.adapter.publish(ROOM, b"%d" % n) for n in range(200) for node in (a, b)]
    await asyncio.gather(*futures)
    for node in (a, b):
        await node.recorder.wait_until(_of(node, lambda node: len(node.recorder.of("message")) == 400))
    assert a.recorder.of("message") == b.recorder.of("message")


async def test_calls_for_one_topic_take_effect_in_order_without_waiting(start: Start, server: Server) -> None:
    node = await start(server.url)
    adapter = node.adapter
    adapter.watch(ROOM)
    entering = adapter.enter(ROOM, "u", b"{}")
    publishing = adapter.publish(ROOM, b"one")
    adapter.leave(ROOM, "u")
    await asyncio.gather(entering, publishing)
    await node.recorder.wait_until(lambda: bool(node.recorder.of("vacated")))
    kinds = [item[0] for item in node.recorder.told]
    assert kinds == ["occupied", "joined", "message", "left", "vacated"]
    positions = [item[2] for item in node.recorder.told]
    assert positions == sorted(positions)  # type: ignore[type-var]


async def test_a_topic_that_is_left_is_listened_to_no_more(start: Start, server: Server) -> None:
    a, b = await start(server.url), await start(server.url)
    await join(a, ROOM)
    a.adapter.unwatch(ROOM)
    await b.adapter.publish(ROOM, b"late")
    await join(a, topic_of("app", "presence-other"))
    assert a.recorder.of("message") == []


async def test_a_remembered_message_is_given_to_who_enters_later(start: Start, server: Server) -> None:
    a, b = await start(server.url), await start(server.url)
    await a.adapter.publish(ROOM, b"last", remember=60.0)
    entry = await join(b, ROOM)
    assert entry.remembered is not None
    assert entry.remembered.payload == b"last"
    assert (await a.adapter.remembered(ROOM)) is not None
    assert await a.adapter.remembered(topic_of("app", "other")) is None


async def test_a_limit_holds_for_members_of_all_nodes(start: Start, server: Server) -> None:
    a, b = await start(server.url), await start(server.url)
    await join(a, ROOM, "u")
    b.adapter.watch(ROOM)
    assert await b.adapter.enter(ROOM, "v", b"", limit=1) == Full(1)
    assert isinstance(await b.adapter.enter(ROOM, "u", b"", limit=1), Entry)
    assert await a.adapter.members(ROOM) == ["u"]


async def test_reads_tell_what_was_written_just_before(start: Start, server: Server) -> None:
    a, b = await start(server.url), await start(server.url)
    await join(a, ROOM, "u")
    a.adapter.count(ROOM, 3, announce=True)
    (described,) = await a.adapter.describe([ROOM])
    assert (described.occupied, described.subscriptions, described.members) == (True, 3, 1)
    assert await b.adapter.occupied_topics("app", "presence-") == {"presence-room": described}
    assert await b.adapter.occupied_topics("app", "private-") == {}
    assert await b.adapter.occupied_topics("ap") == {}


async def test_a_topic_is_described_as_of_when_it_is_listened_to(
    start: Start, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came between would be told by nobody."""
    a, b = await start(server.url), await start(server.url)
    add, held_up = Subscription.add, list[Callable[[], None]]()
    monkeypatch.setattr(Subscription, "add", lambda self, new: held_up.append(partial(add, self, new)))
    a.adapter.watch(ROOM)
    describing = asyncio.create_task(a.adapter.describe([ROOM]))
    await asyncio.sleep(0)
    monkeypatch.setattr(Subscription, "add", add)
    await join(b, ROOM)
    for go_on in held_up:
        go_on()
    (told,) = await describing
    assert told.occupied


async def test_counts_are_added_up_and_told_to_all(start: Start, server: Server) -> None:
    a, b = await start(server.url), await start(server.url)
    await join(a, ROOM)
    await join(b, ROOM)
    a.adapter.count(ROOM, 3, announce=True)
    b.adapter.count(ROOM, 2, announce=True)
    for node in (a, b):
        await node.recorder.wait_until(
            _of(node, lambda node: node.recorder.history("counted")[-1:] == [("counted", 5)])
        )


async def test_a_limit_of_connections_holds_for_all_nodes(start: Start, server: Server) -> None:
    a, b = await start(server.url), await start(server.url)
    assert [await node.adapter.admit("app", 2) for node in (a, b, a, b)] == [True, True, False, False]
    a.adapter.discharge("app")
    # Each node has its own way to Redis, so the question may come before the place is given back.
    async with asyncio.timeout(20):
        while not await b.adapter.admit("app", 2):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)
    assert not await b.adapter.admit("app", 2)


@pytest.mark.parametrize("limit", [2, 200], ids=["without a reserve", "with one"])
async def test_clients_of_a_node_that_leaves_find_places_elsewhere_before_their_old_ones_are_free(
    start: Start, server: Server, limit: int
) -> None:
    leaves, stays = await start(server.url), await start(server.url)
    assert all(await asyncio.gather(*(leaves.adapter.admit("app", limit) for _ in range(limit))))
    assert not await stays.adapter.admit("app", limit)
    leaves.adapter.declare("draining", limit, is_leaving=True)
    async with asyncio.timeout(20):
        while not any(node.state == "draining" for node in await stays.adapter.nodes()):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)
    # Whoever is first: it has been told to go, and the node it comes from may be slower to say so.
    assert all([await stays.adapter.admit("app", limit) for _ in range(limit)])
    for _ in range(limit):
        leaves.adapter.discharge("app")
    # It may stay for long without clients, and is no reason to let in more.
    async with asyncio.timeout(20):
        while await stays.adapter.admit("app", limit):
            stays.adapter.discharge("app")
            await asyncio.sleep(0.02)


async def test_a_hold_outlives_the_entry_by_its_seconds(start: Start, server: Server) -> None:
    a, b = await start(server.url), await start(server.url)
    await join(b, ROOM)
    await join(a, ROOM, "u")
    a.adapter.leave(ROOM, "u", hold=0.2)
    (described,) = await b.adapter.describe([ROOM])
    assert described.members == 1
    await b.recorder.wait_until(lambda: ("left", "u") in b.recorder.history("left"))


async def test_a_node_that_signs_off_takes_its_entries_along(start: Start, server: Server, prefix: str) -> None:
    stays = await start(server.url)
    await join(stays, ROOM)
    leaves = RedisAdapter([server.url], RedisOptions(prefix=prefix))
    await leaves.start(Recorder())
    await leaves.enter(ROOM, "u", b"")
    leaves.count(ROOM, 4)
    assert len(await stays.adapter.nodes()) == 2
    await leaves.stop()
    await stays.recorder.wait_until(lambda: bool(stays.recorder.of("left")))
    (described,) = await stays.adapter.describe([ROOM])
    assert (described.members, described.subscriptions) == (0, 0)
    assert len(await stays.adapter.nodes()) == 1


async def test_nodes_tell_of_themselves(start: Start, server: Server) -> None:
    a, b = await start(server.url), await start(server.url)
    await a.adapter.admit("app", None)
    a.adapter.declare("draining", 1)
    async with asyncio.timeout(PATIENCE):
        while not any(node.state == "draining" and node.connections == 1 for node in await b.adapter.nodes()):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)


# What breaks in between


async def test_a_broken_link_loses_nothing_and_repeats_nothing(start: Start, server: Server) -> None:
    async with Proxy(server.port) as proxy:
        a, b = await start(server.url), await start(proxy.url)
        await join(a, ROOM)
        await join(b, ROOM)
        futures = []
        for number in range(300):
            futures += [a.adapter.publish(ROOM, b"a%d" % number), b.adapter.publish(ROOM, b"b%d" % number)]
            if number % 100 == 50:
                proxy.cut()
            await asyncio.sleep(0)
        await asyncio.gather(*futures)
        for node in (a, b):
            await node.recorder.wait_until(_of(node, lambda node: len(node.recorder.of("message")) >= 600))
        assert a.recorder.of("message") == b.recorder.of("message")
        assert len(set(a.recorder.payloads(ROOM))) == 600
        assert b.adapter.stats.reconnects >= 1
        assert b.adapter.stats.gaps == 0


async def test_silence_is_noticed_and_made_up_for(start: Start, server: Server) -> None:
    async with Proxy(server.port) as proxy:
        a, b = await start(server.url), await start(proxy.url, patience=SOON)
        await join(b, ROOM)
        proxy.swallow()
        for number in range(10):
            await a.adapter.publish(ROOM, b"%d" % number)
        with pytest.raises(Unavailable):
            await b.adapter.publish(ROOM, b"from b")
        with pytest.raises(Unavailable):
            await b.adapter.describe([ROOM])
        async with asyncio.timeout(PATIENCE):
            while proxy.connections < 4:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.02)
        proxy.flow()
        await b.recorder.wait_until(lambda: len(b.recorder.of("message")) == 11)
        assert set(b.recorder.payloads(ROOM)) == {b"from b", *(b"%d" % number for number in range(10))}


async def test_what_is_asked_while_redis_is_away_happens_in_order_once_it_is_back(start: Start, server: Server) -> None:
    async with Proxy(server.port) as proxy:
        node = await start(proxy.url, patience=SOON)
        await join(node, ROOM, "u")
        proxy.close()
        other = topic_of("app", "other")
        node.adapter.watch(other)
        entering = node.adapter.enter(other)
        node.adapter.leave(ROOM, "u")
        with pytest.raises(Unavailable):
            await node.adapter.publish(other, b"too late")
        assert not entering.done()
        proxy.open()
        assert isinstance(await entering, Entry)
        await node.recorder.wait_until(lambda: ("left", "u") in node.recorder.history("left"))


class Stumbling(Recorder):
    """Raises once, as a mistake in the node would."""

    def message(self, topic: Topic, position: int, payload: bytes, sender: str) -> None:
        super().message(topic, position, payload, sender)
        if payload == b"poison":
            raise RuntimeError("poisoned")


@pytest.mark.parametrize("is_away", [False, True])
async def test_a_mistake_in_taking_in_a_message_makes_no_node_deaf(
    start: Start, server: Server, prefix: str, caplog: pytest.LogCaptureFixture, *, is_away: bool
) -> None:
    async with Proxy(server.port) as proxy:
        a = await start(server.url)
        b = RedisAdapter([proxy.url], RedisOptions(prefix=prefix))
        recorder = Stumbling()
        await b.start(recorder)
        try:
            b.watch(ROOM)
            await b.enter(ROOM)
            if is_away:
                proxy.close()
            for payload in (b"before", b"poison", b"after"):
                await a.adapter.publish(ROOM, payload)
            proxy.open()
            await recorder.wait_until(lambda: recorder.payloads(ROOM) == [b"before", b"poison", b"after"])
            assert "poisoned" in caplog.text
        finally:
            await b.stop()


async def test_a_mistake_in_one_task_ends_neither_it_nor_the_others(
    start: Start, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    a, b = await start(server.url), await start(server.url)
    await join(b, ROOM)

    def stumble() -> None:
        raise RuntimeError("stumbled")

    a.adapter._nodes._on_beat = stumble
    a.adapter._nodes.beat_soon()
    async with asyncio.timeout(PATIENCE):
        while "mistake in this program" not in caplog.text:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    await a.adapter.publish(ROOM, b"after")
    await b.recorder.wait_until(lambda: b.recorder.payloads(ROOM) == [b"after"])


async def test_a_gap_is_counted_and_the_difference_told(start: Start, server: Server, prefix: str) -> None:
    async with Proxy(server.port) as proxy:
        a, b = await start(server.url), await start(proxy.url)
        await join(b, ROOM, "stays")
        proxy.close()
        await join(a, ROOM, "new")
        link = await open_link(Place(port=server.port), connect_timeout=2.0, answer_timeout=2.0)
        shard = a.adapter._interest._topology.shards
        journals = [one.keys.journal for one in shard]
        await link.ask("DEL", *journals)
        link.wire.close()
        proxy.open()
        await b.recorder.wait_until(lambda: bool(b.recorder.of("resynced")))
        assert b.recorder.of("resynced") == [("resynced", ROOM, None, ["new", "stays"], True)]
        assert b.adapter.stats.gaps == 1
        await a.adapter.publish(ROOM, b"after")
        await b.recorder.wait_until(lambda: b.recorder.payloads(ROOM) == [b"after"])


async def test_a_command_given_while_a_node_is_cut_off_reaches_it_afterwards(start: Start, server: Server) -> None:
    user = topic_of("app", "#server-to-user-1")
    async with Proxy(server.port) as proxy:
        a, b = await start(server.url), await start(proxy.url)
        entry = await join(b, user)
        proxy.close()
        await a.adapter.terminate(user)
        proxy.open()
        await b.recorder.wait_until(lambda: bool(b.recorder.of("terminated")))
        ((_, topic, _, at),) = b.recorder.of("terminated")
        assert topic == user
        assert isinstance(at, float)
        assert at >= entry.at


async def test_forgotten_scripts_are_loaded_again(start: Start, server: Server) -> None:
    node = await start(server.url)
    await join(node, ROOM)
    server.command("SCRIPT", "FLUSH")
    await node.adapter.publish(ROOM, b"after")
    await node.recorder.wait_until(lambda: node.recorder.payloads(ROOM) == [b"after"])


async def test_a_change_of_epoch_on_the_same_server_loses_nothing(start: Start, server: Server, prefix: str) -> None:
    a, b = await start(server.url), await start(server.url)
    await join(a, ROOM)
    await join(b, ROOM)
    for one in a.adapter._interest._topology.shards:
        server.command("HSET", one.keys.meta, "replid", "0" * 40)
    futures = [node.adapter.publish(ROOM, b"%d" % number) for number in range(20) for node in (a, b)]
    await asyncio.gather(*futures)
    for node in (a, b):
        await node.recorder.wait_until(_of(node, lambda node: len(node.recorder.of("message")) == 40))
    async with asyncio.timeout(PATIENCE):
        while a.adapter.stats.repairs < 64:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)
    await a.adapter.publish(ROOM, b"after")
    await b.recorder.wait_until(lambda: b.recorder.payloads(ROOM)[-1] == b"after")
    assert (a.adapter.stats.gaps, b.adapter.stats.gaps) == (0, 0)


# Death


async def test_a_node_that_was_declared_dead_comes_back_under_another_boot(start: Start, server: Server) -> None:
    a, b = await start(server.url), await start(server.url)
    await join(a, ROOM, "u")
    await join(b, ROOM)
    (dead,) = {node.boot for node in await b.adapter.nodes()} - {b.adapter._identity.boot}
    await b.adapter._reaper.reap(dead)
    await b.recorder.wait_until(lambda: ("left", "u") in b.recorder.history("left"))
    await b.recorder.wait_until(lambda: b.recorder.history("joined", "left")[-1] == ("joined", "u"))
    assert a.adapter.stats.reborn == 1
    await a.adapter.publish(ROOM, b"alive")
    await b.recorder.wait_until(lambda: b.recorder.payloads(ROOM) == [b"alive"])
    assert b.recorder.history("joined", "left") == [("left", "u"), ("joined", "u")]


async def test_a_dead_node_is_named_in_the_log(start: Start, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    _, b = await start(server.url), await start(server.url)
    (dead,) = [node for node in await b.adapter.nodes() if node.boot != b.adapter._identity.boot]
    await b.adapter._reaper.reap(dead.boot)
    assert dead.name
    assert f"node {dead.name} (boot {dead.boot}) is dead, its entries are taken back" in caplog.messages


async def test_entries_that_redis_has_wrongly_are_corrected(start: Start, server: Server) -> None:
    from adapter.redis.primaries.reconcile import reconcile

    a, b = await start(server.url), await start(server.url)
    await join(a, ROOM, "missing")
    await join(b, ROOM)
    shard = next(one for one in a.adapter._shards if ROOM in one.watches)
    claim = "17:app/presence-room=missing"
    server.command("HDEL", shard.keys.claims(shard.boot), claim)
    server.command("HSET", shard.keys.claims(shard.boot), "17:app/presence-room=surplus", "1")
    await reconcile(shard, a.adapter._topology.partition(shard))
    await shard.wait_idle()
    claims = server.command("HKEYS", shard.keys.claims(shard.boot))
    assert "missing" in claims
    assert "surplus" not in claims


# A server that loses its memory


@pytest.mark.slow
async def test_a_restart_without_memory_tells_nobody_of_a_leave(start: Start, own_server: Server) -> None:
    a, b = await start(own_server.url), await start(own_server.url, patience=SOON)
    await join(a, ROOM, "ua")
    await join(b, ROOM, "ub")
    await a.recorder.wait_until(lambda: len(a.recorder.of("joined")) == 2)
    # The nodes have to know each other, by a beat, to wait for each other.
    async with asyncio.timeout(PATIENCE):
        while not (a.adapter._identity.peers and b.adapter._identity.peers):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)
    own_server.kill()
    a.adapter.leave(ROOM, "ua")
    with pytest.raises(Unavailable):
        await b.adapter.publish(ROOM, b"lost")
    own_server.start()
    for node in (a, b):
        await node.recorder.wait_until(_of(node, lambda node: bool(node.recorder.of("resynced"))), seconds=PATIENCE)
        assert node.recorder.of("left", "vacated") == []
        assert node.recorder.of("resynced") == [("resynced", ROOM, None, ["ub"], True)]
    await a.adapter.publish(ROOM, b"after")
    await b.recorder.wait_until(lambda: b.recorder.payloads(ROOM)[-1:] == [b"after"])


@pytest.mark.slow
async def test_what_is_published_after_a_restart_reaches_nodes_that_come_later(
    start: Start, own_server: Server
) -> None:
    async with Proxy(own_server.port) as proxy:
        a, b = await start(own_server.url), await start(proxy.url)
        await join(a, ROOM)
        await join(b, ROOM)
        for number in range(5):
            await a.adapter.publish(ROOM, b"%d" % number)
        await b.recorder.wait_until(lambda: len(b.recorder.payloads(ROOM)) == 5)
        proxy.close()
        own_server.kill()
        own_server.start()
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await a.adapter.publish(ROOM, b"early", once="early")
                    break
                except Unavailable:
                    continue
        proxy.open()
        await b.recorder.wait_until(lambda: b.recorder.payloads(ROOM)[5:] == [b"early"])
        *_, last, early = [int(str(item[2])) for item in b.recorder.of("message")]
        assert early > last


@pytest.mark.slow
async def test_a_node_is_not_taken_for_dead_because_redis_has_forgotten_it(start: Start, own_server: Server) -> None:
    """It beats in the moment between the loss and its enrolment, too."""
    node = await start(own_server.url)
    await join(node, ROOM, "u")
    own_server.kill()
    own_server.start()
    home = node.adapter._topology.home
    async with asyncio.timeout(PATIENCE):
        while node.adapter._shards[0].state is State.LIVE or not home.up.is_set():
            with contextlib.suppress(LinkLost, Refusal):
                await node.adapter._nodes.beat_once()
            await asyncio.sleep(0)
    assert node.adapter.stats.reborn == 0


@pytest.mark.slow
async def test_a_node_may_stop_while_a_shard_settles(own_server: Server, prefix: str) -> None:
    node = RedisAdapter([own_server.url], RedisOptions(prefix=prefix))
    await node.start(Recorder())
    await node.enter(ROOM, "u", b"{}")
    own_server.kill()
    own_server.start()
    shard = next(one for one in node._shards if one.claims)
    async with asyncio.timeout(PATIENCE):
        while shard.state is not State.SETTLING:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    await node.stop()


async def test_a_node_that_signs_off_enters_nothing_again(start: Start, server: Server, prefix: str) -> None:
    """Its numbers are gone from Redis before it is: what it then writes is refused like that of a dead one."""
    stays = await start(server.url)
    node = RedisAdapter([server.url], RedisOptions(prefix=prefix))
    await node.start(Recorder())
    await node.enter(ROOM, "u", b"{}")
    stopping = asyncio.create_task(node.stop())
    late = []
    while not stopping.done():
        late.append(node.publish(ROOM, b"late"))
        await asyncio.sleep(0.001)
    (described,) = await stays.adapter.describe([ROOM])
    assert described.members == 0


# What can never work


async def started(url: str, prefix: str = "test") -> None:
    adapter = RedisAdapter([url], RedisOptions(prefix=prefix))
    try:
        async with asyncio.timeout(PATIENCE):
            await adapter.start(Recorder())
    finally:
        await adapter.stop()


async def test_a_wrong_password_is_a_mistake(own_server: Server) -> None:
    own_server.command("CONFIG", "SET", "requirepass", "secret")
    with pytest.raises(Misconfigured, match=r"WRONGPASS|NOAUTH"):
        await started(own_server.url.replace("//", "//:wrong@"))
    with pytest.raises(Misconfigured, match="NOAUTH"):
        await started(own_server.url)
    await started(own_server.url.replace("//", "//:secret@"))


async def test_an_evicting_memory_policy_is_a_mistake(own_server: Server) -> None:
    own_server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    with pytest.raises(Misconfigured, match="noeviction"):
        await started(own_server.url)


async def test_a_replica_is_a_mistake(own_server: Server, server: Server) -> None:
    own_server.command("REPLICAOF", "127.0.0.1", str(server.port))
    with pytest.raises(Misconfigured, match="read-only replica of"):
        await started(own_server.url)


async def test_missing_permissions_are_a_mistake(own_server: Server) -> None:
    own_server.command("ACL", "SETUSER", "shoal", "on", ">pw", "~*", "&*", "+@all", "-xadd")
    with pytest.raises(Misconfigured, match=r"(?i)xadd|permission|can't run"):
        await started(own_server.url.replace("//", "//shoal:pw@"))


async def test_another_idea_of_the_shards_is_a_mistake(own_server: Server) -> None:
    own_server.command("SET", "test:{s0}:agreed", "schema=0 shards=16")
    with pytest.raises(Misconfigured, match="shards=16"):
        await started(own_server.url)
