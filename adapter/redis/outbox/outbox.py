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
from typing import TYPE_CHECKING, Any

from adapter.base import Topic
from adapter.errors import Unavailable
from adapter.outbox import OutboxNumbers
from adapter.redis.errors import LinkLost, Refusal
from adapter.redis.outbox.glance import glance, total, whose
from adapter.redis.outbox.letters import held_back_again, read_letter, read_notice, topic_held_back, write_letter
from adapter.redis.outbox.settlement import Settlement, note, parts_of, release
from adapter.redis.shard.shard import State
from adapter.redis.shards import SHARDS, shard_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapter.outbox import Buried, Notice, OutboxOptions, Wants
    from adapter.redis.nodes.identity import Identity
    from adapter.redis.outbox.glance import Glance
    from adapter.redis.primaries.topology import Topology
    from adapter.redis.shard.shard import Shard

logger = logging.getLogger(__name__)

GLANCE_INTERVAL = 1.0
GATHER = 0.05
"""Seconds for which what is dealt with is gathered: one command settles all of a shard."""
BEHIND = 3.0
"""Seconds after which a shard's notices are anybody's, if the node that it falls to doesn't take them."""
ABANDONED = 60_000
"""Milliseconds after which what a node took that nobody knows is anybody's: one that slept through its own death."""
LOST_ANSWER = 5_000
"""Milliseconds after which what this node has taken without knowing it, since the answer was lost, is taken again."""
LEFT_BEHIND = b"-"
"""The consumer that stands for those who are gone."""


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
        self._settlement = Settlement(topology)
        self._has_work = asyncio.Event()
        # How often in a row each shard had something due that another node should have seen to.
        self._neglected: Counter[Shard] = Counter()
        # Notices that were refused here, because Redis was away for long.
        self._refused = 0
        # How each shard stood when it was last seen.
        self._seen: dict[Shard, Glance] = {}
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
        in_hand = self._settlement.in_hand[shard]
        idle = 0 if consumer == LEFT_BEHIND else ABANDONED
        if consumer == self._boot:
            idle, most = LOST_ANSWER, most + len(in_hand)
        try:
            now, entries = await self._topology.partition(shard).run_script(
                "take", [shard.keys.outbox], self._boot, most, consumer, idle
            )
        except (LinkLost, Refusal) as exc:
            # If it was carried out all the same, a later glance shows that more is handed out than is known here.
            note(shard, "nothing is taken", exc)
            return []
        new = {handle.decode(): fields for handle, fields in entries if handle.decode() not in in_hand}
        in_hand.update(new)
        notices = [self._read(shard, int(now), handle, fields) for handle, fields in new.items()]
        return [notice for notice in notices if notice is not None]

    def _read(self, shard: Shard, now: int, handle: str, fields: Sequence[bytes]) -> Notice | None:
        """Return an entry as a notice; one that is none is forgotten, or it would stop each node that takes it."""
        try:
            return read_notice(shard.number, now, handle, fields)
        except (KeyError, ValueError) as exc:
            logger.error("outbox of shard %d: entry %s dropped, it can't be read: %r", shard.number, handle, exc)
            self._settlement.done(shard, handle)
            self._has_work.set()
            return None

    # Dealing with what was taken

    def done(self, notice: Notice) -> None:
        shard = self._shards[shard_of(notice.topic)]
        self._settlement.done(shard, notice.handle)
        self._has_work.set()

    def postpone(self, notice: Notice, only: str, seconds: float) -> None:
        shard = self._shards[shard_of(notice.topic)]
        keys = shard.keys.held_back, shard.keys.meta
        what = held_back_again(notice, only)
        self._settlement.add(shard, ("postpone", keys, (what, round(seconds * 1000), self._options.most)))

    def bury(self, notice: Notice, only: str, why: str) -> None:
        shard = self._shards[shard_of(notice.topic)]
        options = self._options
        arguments = (*write_letter(notice, only, why), options.most_buried, round(options.keep_buried))
        self._settlement.add(shard, ("bury", (shard.keys.buried, shard.keys.meta), arguments))

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
                    for part in parts_of(some):
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
            self._has_work.clear()
            if not await self._settlement.settle():
                self._has_work.set()
                await asyncio.sleep(GLANCE_INTERVAL / 4)
            await self._wait_for_work(next_glance - loop.time())

    async def _wait_for_work(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._has_work.wait()
                await asyncio.sleep(GATHER)
        except TimeoutError:
            return

    async def sign_off(self) -> None:
        """Leave what was taken to the others."""
        if not self._is_kept.is_set():
            return
        await self._settlement.settle()
        for shard in self._shards:
            await release(shard, self._topology, self._identity.boot)

    @property
    def _boot(self) -> bytes:
        return self._identity.boot.encode()

    # Glances

    async def _glance(self) -> None:
        """See how the outboxes stand, and what of them falls to this node."""
        alive = {self._identity.boot, *self._identity.peers}
        for shard, seen in (await glance(self._topology)).items():
            self._seen[shard] = seen
            is_mine = whose(shard.number, alive) == self._identity.boot
            if seen.age is not None and (is_mine or seen.age > BEHIND):
                self._ready[shard, b""] = None
            for consumer, count in seen.consumers.items():
                if self._takes_over(shard, consumer, count, alive):
                    self._ready[shard, consumer] = None
            await self._ripen(shard, seen.due, is_mine=is_mine)
        self.numbers = total(self._seen.values())
        self.numbers.dropped += self._refused
        if self._ready:
            self._has_ready.set()

    def _takes_over(self, shard: Shard, consumer: bytes, count: int, alive: set[str]) -> bool:
        if consumer == self._boot:
            # More than is known here: an answer was lost.
            return count > len(self._settlement.in_hand[shard])
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
                note(shard, "what is due stays held back", exc)
