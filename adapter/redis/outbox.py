"""The outbox in Redis: a stream in each shard, and how nodes share what is in it. See :class:`adapter.outbox.Outbox`.

    enter, leave, count ──▶ stream ──take──▶ this node ──settle──▶ gone
              │               ▲  ▲               │
              └─▶ held back ──┘  └── left behind ┴─▶ dead letters

Each second this node glances at all outboxes. A shard is read by the one node that it falls to while that keeps up, so
that what is about one topic stays in order; by any node when it doesn't. What a node has taken is its own until it
settles it. A node that signs off, or is cleaned up after, leaves the rest behind, and anybody takes that over.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from adapter.base import Topic
from adapter.errors import Unavailable
from adapter.outbox import OutboxNumbers
from adapter.redis.errors import LinkLost, Refusal
from adapter.redis.letters import held_back_again, read_letter, read_notice, topic_held_back, write_letter
from adapter.redis.shard import State
from adapter.redis.shards import SHARDS, shard_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from adapter.outbox import Buried, Notice, OutboxOptions, Wants
    from adapter.redis.identity import Identity
    from adapter.redis.partition import Partition
    from adapter.redis.shard import Shard
    from adapter.redis.topology import Topology

logger = logging.getLogger(__name__)

GLANCE_INTERVAL = 1.0
DUE_AT_ONCE = 200
"""What was held back and is moved in a shard each second, by each node."""
BEHIND = 3.0
"""Seconds after which a shard's notices are anybody's, if the node that it falls to doesn't take them."""
ABANDONED = 60_000
"""Milliseconds after which what a node took that nobody knows is anybody's: one that slept through its own death."""
LOST_ANSWER = 5_000
"""Milliseconds after which what this node has taken without knowing it, since the answer was lost, is taken again."""
LEFT_BEHIND = b"-"
"""The consumer that stands for those who are gone."""
SETTLED_AT_ONCE = 500

Act = tuple[str, tuple[str, ...], tuple["bytes | str | int", ...]]
"""A script, its keys, its arguments."""


class RedisOutbox:
    """What this node has to do with the outboxes of all shards."""

    def __init__(self, topology: Topology, identity: Identity, options: OutboxOptions, *, patience: float) -> None:
        self.numbers = OutboxNumbers()
        self._topology = topology
        self._shards = topology.shards
        self._identity = identity
        self._options = options
        self._patience = patience
        self._is_kept = asyncio.Event()
        # Shards that have something for this node, with the consumer whose notices it takes over; empty for new ones.
        self._ready: dict[tuple[Shard, bytes], None] = {}
        self._has_ready = asyncio.Event()
        # By shard: entries that are handed out here and not settled yet, as far as Redis has said; those to be settled;
        # what is to be done before them.
        self._in_hand: defaultdict[Shard, set[str]] = defaultdict(set)
        self._to_settle: defaultdict[Shard, list[str]] = defaultdict(list)
        self._acts: defaultdict[Shard, list[Act]] = defaultdict(list)
        self._has_work = asyncio.Event()
        # How often in a row each shard had something due that another node should have seen to.
        self._neglected: Counter[Shard] = Counter()
        # Notices that were refused here, because Redis was away for long.
        self._refused = 0
        for shard in self._shards:
            shard.writes.outbox = options

    def keep(self, wants: Callable[[Topic], Wants]) -> None:
        for shard in self._shards:
            shard.writes.wants = lambda topic: wants(Topic(topic))
        self._is_kept.set()

    def notify(self, topic: Topic, kind: str, payload: bytes = b"", *, apart: float = 0.0) -> None:
        shard = self._shards[shard_of(topic)]
        if len(shard.line.waiting) >= self._options.most:
            # Redis has been away for long.
            self._refused += 1
            return
        shard.submit(shard.writes.notify(topic, kind, payload, apart))

    # Taking

    async def take(self, most: int) -> list[Notice]:
        while True:
            while self._ready:
                shard, consumer = next(iter(self._ready))
                # Those that have more get their turn again after the others.
                del self._ready[shard, consumer]
                taken = await self._take_from(shard, consumer, most)
                if len(taken) >= most:
                    self._ready[shard, consumer] = None
                if taken:
                    return taken
            self._has_ready.clear()
            await self._has_ready.wait()

    async def _take_from(self, shard: Shard, consumer: bytes, most: int) -> list[Notice]:
        if shard.state is not State.LIVE:
            return []
        in_hand = self._in_hand[shard]
        idle = 0 if consumer == LEFT_BEHIND else ABANDONED
        if consumer == self._boot:
            idle, most = LOST_ANSWER, most + len(in_hand)
        try:
            now, entries = await self._topology.partition(shard).run_script(
                "take", [shard.keys.outbox], self._boot, most, consumer, idle
            )
        except (LinkLost, Refusal) as exc:
            # If it was carried out all the same, a later glance shows that more is handed out than is known here.
            logger.debug("nothing taken from shard %d: %s", shard.number, exc)
            return []
        notices = [read_notice(shard.number, int(now), handle.decode(), fields) for handle, fields in entries]
        new = [notice for notice in notices if notice.handle not in in_hand]
        in_hand.update(notice.handle for notice in new)
        return new

    # Dealing with what was taken

    def done(self, notice: Notice) -> None:
        shard = self._shards[shard_of(notice.topic)]
        self._to_settle[shard].append(notice.handle)
        self._has_work.set()

    def postpone(self, notice: Notice, only: str, seconds: float) -> None:
        shard = self._shards[shard_of(notice.topic)]
        keys = shard.keys.held_back, shard.keys.meta
        what = held_back_again(notice, only)
        self._acts[shard].append(("postpone", keys, (what, round(seconds * 1000), self._options.most)))

    def bury(self, notice: Notice, only: str, why: str) -> None:
        shard = self._shards[shard_of(notice.topic)]
        options = self._options
        arguments = (*write_letter(notice, only, why), options.most_buried, round(options.keep_buried))
        self._acts[shard].append(("bury", (shard.keys.buried, shard.keys.meta), arguments))

    def last_call(self) -> bool:
        return False

    # Dead letters

    async def buried(self, most: int) -> list[Buried]:
        answers = await self._ask([(shard, ("HGETALL", shard.keys.buried)) for shard in self._shards])
        letters = []
        for answer in answers:
            pairs = iter(answer)
            letters += [read_letter(key.decode(), text) for key, text in zip(pairs, pairs, strict=True)]
        letters.sort(key=lambda letter: letter.at)
        return letters[:most]

    async def retry(self, ids: Sequence[str]) -> int:
        by_shard: defaultdict[Shard, list[str]] = defaultdict(list)
        for letter in ids:
            number = letter.partition("-")[0]
            if number.isdecimal() and int(number) < SHARDS:
                by_shard[self._shards[int(number)]].append(letter)
        moved = 0
        try:
            async with asyncio.timeout(self._patience):
                for shard, some in by_shard.items():
                    keys = [shard.keys.outbox, shard.keys.buried, shard.keys.meta]
                    partition = self._topology.partition(shard)
                    for part in _parts(some):
                        moved += int(await partition.run_script("retry", keys, self._options.most, *part))
        except (TimeoutError, LinkLost, Refusal) as exc:
            raise Unavailable("the cluster's Redis can't be reached") from exc
        return moved

    async def _ask(self, questions: Sequence[Any]) -> list[Any]:
        try:
            async with asyncio.timeout(self._patience):
                return await self._topology.ask(questions)
        except (TimeoutError, Refusal) as exc:
            raise Unavailable("the cluster's Redis can't be reached") from exc

    # Keeping up

    async def run(self) -> None:
        """Glance at the outboxes and settle what is done, until cancelled; not before anybody wants notices."""
        await self._is_kept.wait()
        loop = asyncio.get_running_loop()
        next_glance = loop.time()
        while True:
            if loop.time() >= next_glance:
                next_glance = loop.time() + GLANCE_INTERVAL
                await self._glance()
            if not await self.settle():
                await asyncio.sleep(GLANCE_INTERVAL / 4)
            await self._wait_for_work(next_glance - loop.time())

    async def _wait_for_work(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._has_work.wait()
        except TimeoutError:
            return

    async def settle(self) -> bool:
        """Carry out what was asked for; tell whether all was. The rest is for later: all of it may be done twice."""
        self._has_work.clear()
        is_done = True
        for shard in {**self._acts, **self._to_settle}:
            try:
                await self._settle_shard(shard)
            except (LinkLost, Refusal) as exc:
                logger.debug("outbox of shard %d not settled: %s", shard.number, exc)
                self._has_work.set()
                is_done = False
        return is_done

    async def _settle_shard(self, shard: Shard) -> None:
        partition = self._topology.partition(shard)
        acts, done = self._acts[shard][:], self._to_settle[shard][:]
        commands = [partition.script_command(name, keys, *arguments) for name, keys, arguments in acts]
        commands += [partition.script_command("settle", [shard.keys.outbox], *part) for part in _parts(done)]
        for answer in await partition.ask_each(commands):
            if isinstance(answer, Refusal):
                raise answer
        # More may have come meanwhile, behind these.
        del self._acts[shard][: len(acts)], self._to_settle[shard][: len(done)]
        self._in_hand[shard].difference_update(done)
        for lists in (self._acts, self._to_settle):
            if not lists[shard]:
                del lists[shard]

    async def sign_off(self) -> None:
        """Leave what was taken to the others."""
        if not self._is_kept.is_set():
            return
        await self.settle()
        for shard in self._shards:
            await release(shard, self._topology, self._identity.boot)

    @property
    def _boot(self) -> bytes:
        return self._identity.boot.encode()

    # Glances

    async def _glance(self) -> None:
        """See how the outboxes stand, and what of them falls to this node."""
        numbers = OutboxNumbers(dropped=self._refused)
        alive = {self._identity.boot, *self._identity.peers}
        for now, shard, told in await self._look():
            length, oldest, consumers, due, held_back, buried, dropped = told
            age = max(0.0, (now - oldest) / 1000) if oldest else 0.0
            numbers.waiting += length
            numbers.held_back += held_back
            numbers.oldest = max(numbers.oldest, age)
            numbers.buried += buried
            numbers.dropped += int(dropped)
            is_mine = _whose(shard.number, alive) == self._identity.boot
            if oldest and (is_mine or age > BEHIND):
                self._ready[shard, b""] = None
            for consumer, count in consumers:
                if self._takes_over(shard, consumer, int(count), alive):
                    self._ready[shard, consumer] = None
            await self._ripen(shard, due, is_mine=is_mine)
        self.numbers = numbers
        if self._ready:
            self._has_ready.set()

    async def _look(self) -> list[tuple[int, Shard, Any]]:
        by_partition: defaultdict[Partition, list[Shard]] = defaultdict(list)
        for shard in self._shards:
            by_partition[self._topology.partition(shard)].append(shard)
        found: list[tuple[int, Shard, Any]] = []
        for partition, shards in by_partition.items():
            # One script for each shard: on Redis Cluster it may touch one slot only.
            commands = [partition.script_command("glance", _glance_keys(shard), DUE_AT_ONCE) for shard in shards]
            try:
                answers = await partition.ask_each(commands)
            except LinkLost as exc:
                logger.debug("no glance at %d outboxes: %s", len(shards), exc)
                continue
            for shard, answer in zip(shards, answers, strict=True):
                if isinstance(answer, Refusal):
                    logger.debug("no glance at the outbox of shard %d: %s", shard.number, answer)
                else:
                    found.append((int(answer[0]), shard, answer[1]))
        return found

    def _takes_over(self, shard: Shard, consumer: bytes, count: int, alive: set[str]) -> bool:
        if consumer == self._boot:
            # More than is known here: an answer was lost.
            return count > len(self._in_hand[shard])
        return consumer == LEFT_BEHIND or consumer.decode() not in alive

    async def _ripen(self, shard: Shard, due: list[bytes], *, is_mine: bool) -> None:
        """Move what is due into the outbox, if that falls to this node or nobody has done it for a while."""
        if not due:
            del self._neglected[shard]
            return
        self._neglected[shard] += 1
        if is_mine or self._neglected[shard] > BEHIND / GLANCE_INTERVAL:
            keys = shard.keys
            names = [keys.outbox, keys.held_back, keys.meta, *(keys.state(topic_held_back(what)) for what in due)]
            held_back = round(self._options.debounce * 1000)
            partition = self._topology.partition(shard)
            try:
                await partition.run_script("ripen", names, self._options.most, held_back, *due)
            except (LinkLost, Refusal) as exc:
                logger.debug("outbox of shard %d: what is due stays held back: %s", shard.number, exc)


def _glance_keys(shard: Shard) -> list[str]:
    keys = shard.keys
    return [keys.outbox, keys.held_back, keys.buried, keys.meta]


def _whose(shard: int, alive: set[str]) -> str:
    """Return the boot to which a shard falls, the same on all nodes that know the same boots."""
    return max(alive, key=lambda boot: blake2b(f"{shard} {boot}".encode(), digest_size=8).digest())


async def release(shard: Shard, topology: Topology, boot: str) -> None:
    """Leave what a boot has taken from a shard's outbox to the others.

    :raises LinkLost: if Redis is away.
    """
    await topology.partition(shard).run_script("release", [shard.keys.outbox], boot)


def _parts(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), SETTLED_AT_ONCE):
        yield ids[start : start + SETTLED_AT_ONCE]
