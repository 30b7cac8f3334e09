"""Each write while its slot is on its way to another master: it takes effect as a whole, once, there or here."""

from __future__ import annotations

import asyncio
import random
import re
import secrets
from typing import TYPE_CHECKING

import pytest

from adapter.base import Topic
from adapter.outbox import Notice, Wants
from adapter.redis.errors import MOVING, Refusal
from adapter.redis.keys import claim_of, who_is
from adapter.redis.link.link import Link, open_link
from adapter.redis.link.place import Place
from adapter.redis.outbox.letters import write_letter
from adapter.redis.primaries.startup import load_scripts
from adapter.redis.scripts import Scripts
from adapter.redis.shard.envelope import Kind
from adapter.redis.shards import slot_of_shard
from tests.adapter.redis.caller import SHARD, TOPIC, Caller
from tests.adapter.redis.masters import Masters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from adapter.redis.shard.numbering import Write

SLOT = slot_of_shard(SHARD)
APPLIED = 1

WRITES: dict[str, Callable[[Caller], Write]] = {
    "publish": lambda caller: caller.writes.publish(TOPIC, b"payload", "", 0, ""),
    "publish once, to be remembered": lambda caller: caller.writes.publish(TOPIC, b"payload", "", 60.0, "once"),
    "enter": lambda caller: caller.writes.enter(TOPIC, who_is("new"), b"info"),
    "enter as the first": lambda caller: caller.writes.enter("app/presence-b", who_is("new"), b"info"),
    "leave": lambda caller: caller.writes.leave(TOPIC, who_is("stays"), 0),
    "leave as the last": lambda caller: caller.writes.leave("app/presence-c", who_is("only"), 0),
    "leave with a hold": lambda caller: caller.writes.leave(TOPIC, who_is("stays"), 60_000),
    "end a hold": lambda caller: caller.writes.lapse(claim_of(TOPIC, who_is("held"))),
    "count": lambda caller: caller.writes.count(TOPIC, 7, announce=True),
    "terminate": lambda caller: caller.writes.terminate(TOPIC),
    "notify": lambda caller: caller.writes.notify(TOPIC, "client_event", b"{}", 5.0),
}

DUE = (b"left\0app/presence-a\0u", b"counted\0app/presence-a\0")
LETTER = write_letter(Notice("3-1-0", Topic(TOPIC), "joined", "u", b"", 1.0, 0.0), "e1", "answered 500")
# Those of the outbox that have no number: keys and arguments.
OTHERS: dict[str, Callable[[Caller], tuple[list[str], list[bytes | str | int]]]] = {
    "ripen": lambda caller: (
        [caller.keys.outbox, caller.keys.held_back, caller.keys.meta, *[caller.keys.state(TOPIC)] * len(DUE)],
        [100, 0, *DUE],
    ),
    "settle": lambda caller: ([caller.keys.outbox], list(caller.entries)),
    "release": lambda caller: ([caller.keys.outbox], [caller.boot]),
    "postpone": lambda caller: ([caller.keys.held_back, caller.keys.meta], ["again\0x\0y", 1000, 100]),
    "bury": lambda caller: ([caller.keys.buried, caller.keys.meta], ["other", b"\x90", 100, 60]),
    "retry": lambda caller: ([caller.keys.outbox, caller.keys.buried, caller.keys.meta], [100, LETTER[0]]),
}


@pytest.fixture(scope="module")
def masters() -> Iterator[Masters]:
    with Masters() as masters:
        yield masters


@pytest.fixture
async def links(masters: Masters) -> AsyncIterator[dict[int, Link]]:
    """Return a link to each master, by its port."""
    found = {}
    for server in masters.servers:
        link = await open_link(Place(port=server.port), connect_timeout=2.0, answer_timeout=5.0)
        await load_scripts(link, Scripts(sharded=True))
        found[server.port] = link
    yield found
    for link in found.values():
        link.wire.close()


async def a_caller(link: Link) -> Caller:
    """Return a node that has been at work in the shard for a while."""
    caller = Caller(link, f"test-{secrets.token_hex(4)}", "boot", sharded=True)
    caller.writes.wants = lambda topic: int(Wants.OCCUPANCY | Wants.MEMBERS | Wants.COUNTS)
    await caller.register()
    for topic, user in ((TOPIC, "stays"), (TOPIC, "held"), ("app/presence-c", "only")):
        await caller.write(caller.writes.enter(topic, who_is(user), b"info"))
    await caller.write(caller.writes.leave(TOPIC, who_is("held"), 1))
    await caller.write(caller.writes.count(TOPIC, 2, announce=True))
    # The hold is due a millisecond after it was made.
    await asyncio.sleep(0.005)
    return caller


async def contents(caller: Caller) -> dict[str, list[str]]:
    """Return all keys of a caller's prefix, without the times in them."""
    texts: dict[str, list[str]] = {}
    for key in await caller.link.ask("KEYS", caller.keys.meta[:-1].replace("{", "\\{") + "*"):
        kind = (await caller.link.ask("TYPE", key)).decode()
        read = {
            "string": ("GET", key),
            "hash": ("HGETALL", key),
            "set": ("SMEMBERS", key),
            "zset": ("ZRANGE", key, 0, -1),
            "stream": ("XRANGE", key, "-", "+"),
        }[kind]
        text = repr(await caller.link.ask(*read)).replace(caller.keys.meta[:-1], "")
        texts[key.decode().removeprefix(caller.keys.meta[:-1])] = sorted(_without_times(text).split(","))
    # What is in these has times in its bytes.
    texts["b"] = sorted(map(repr, await caller.link.ask("HKEYS", caller.keys.buried)))
    journal = [entry for entry in await caller.journal() if entry[1] != Kind.TERMINATED]
    texts["j"] = [str(await caller.link.ask("XLEN", caller.keys.journal)), *map(repr, journal)]
    return texts


def _without_times(text: str) -> str:
    text = re.sub(r"b'[0-9a-f]{40}'", "<id>", text)
    return re.sub(r"\d{10}\.\d{6}|\d{13}(-\d+)?", "<time>", text)


@pytest.mark.parametrize("name", WRITES)
async def test_write_takes_effect_once_wherever_its_keys_are(
    name: str, masters: Masters, links: dict[int, Link]
) -> None:
    chance = random.Random(name)
    link = links[masters.servers[masters.owner_of(SLOT)].port]
    reference = await a_caller(link)
    assert (await reference.write(WRITES[name](reference)))[0] == APPLIED
    expected = await contents(reference)
    refused = 0
    for share in (0.0, 0.3, 0.6, 0.9, 1.0):
        caller = await a_caller(links[masters.servers[masters.owner_of(SLOT)].port])
        caller.number += 1
        with masters.moving(SLOT) as moving:
            keys = [key for key in moving.keys_left() if key.startswith(caller.keys.meta[:-1].encode())]
            moving.hand_over(chance.sample(keys, round(share * len(keys))))
            try:
                assert (await caller.write(WRITES[name](caller), caller.number))[0] == APPLIED
            except Refusal as exc:
                assert exc.code in MOVING  # noqa: PT017 - either is right
                refused += 1
        caller.link = links[moving.target_port]
        assert (await caller.write(WRITES[name](caller), caller.number))[0] == APPLIED
        assert await contents(caller) == expected
    assert refused >= 1


async def a_caller_with_notices(link: Link) -> Caller:
    """Return a node whose outbox has something of everything: new, handed out, held back and due, dead letters."""
    caller = await a_caller(link)
    keys = caller.keys
    await caller.run("take", [keys.outbox], caller.boot, 2, "", 0)
    caller.entries = [entry for entry, _ in await link.ask("XRANGE", keys.outbox, "-", "+", "COUNT", 2)]
    await link.ask("ZADD", keys.held_back, 1, DUE[0], 1, DUE[1])
    await caller.run("bury", [keys.buried, keys.meta], *LETTER, 100, 60)
    return caller


@pytest.mark.parametrize("name", OTHERS)
async def test_what_is_done_with_notices_takes_effect_once_wherever_they_are(
    name: str, masters: Masters, links: dict[int, Link]
) -> None:
    chance = random.Random(name)
    reference = await a_caller_with_notices(links[masters.servers[masters.owner_of(SLOT)].port])
    keys, arguments = OTHERS[name](reference)
    await reference.run(name, keys, *arguments)
    expected = await contents(reference)
    for share in (0.0, 0.3, 0.6, 0.9, 1.0):
        caller = await a_caller_with_notices(links[masters.servers[masters.owner_of(SLOT)].port])
        keys, arguments = OTHERS[name](caller)
        with masters.moving(SLOT) as moving:
            left = [key for key in moving.keys_left() if key.startswith(caller.keys.meta[:-1].encode())]
            moving.hand_over(chance.sample(left, round(share * len(left))))
            try:
                await caller.run(name, keys, *arguments)
            except Refusal as exc:
                assert exc.code in MOVING  # noqa: PT017 - either is right
        caller.link = links[moving.target_port]
        await caller.run(name, keys, *arguments)
        assert await contents(caller) == expected
