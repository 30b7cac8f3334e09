"""What this node has entered in each topic, and how many subscriptions it has there.

Both are kept as they are to be (`Shard.claims`, `Shard.counts`), whether Redis knows it yet or not: a repair reads them
to make good what Redis has forgotten.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from adapter.base import Entry, Full
from adapter.redis.keys import who_is
from adapter.redis.shard.answers import read_entry
from adapter.redis.shard.shard import Claim
from adapter.redis.shards import shard_of

if TYPE_CHECKING:
    import asyncio
    from asyncio import Future
    from collections.abc import Sequence

    from adapter.base import Topic
    from adapter.redis.interest import Interest
    from adapter.redis.shard.numbering import Answer, Write
    from adapter.redis.shard.shard import Shard

Result = TypeVar("Result")


class Entries:
    """The part of :class:`adapter.base.Adapter` that is about them."""

    def __init__(self, shards: Sequence[Shard], interest: Interest, loop: asyncio.AbstractEventLoop) -> None:
        self._shards = shards
        self._interest = interest
        self._loop = loop
        # Topics whose number of subscriptions is yet to be told.
        self._changed_counts: dict[Topic, None] = {}

    def enter(self, topic: Topic, user: str | None, info: bytes, limit: int | None) -> Future[Entry | Full]:
        shard = self._shards[shard_of(topic)]
        key = topic, who_is(user)
        write = shard.writes.enter(*key, info, limit=limit)
        known = shard.claims.get(key)
        shard.claims[key] = Claim(known.info, write, known.is_made) if known else Claim(info, write)
        future: Future[Entry | Full] = self._loop.create_future()
        write.on_applied = partial(self._entered, shard, future, key, write, limit)
        self._interest.submit(shard, write, is_state=True)
        return future

    def _entered(
        self,
        shard: Shard,
        future: Future[Entry | Full],
        key: tuple[str, str],
        write: Write,
        limit: int | None,
        answer: Answer,
    ) -> None:
        _, _, _, is_full, *fields = answer
        result: Entry | Full
        claim = shard.claims.get(key)
        if is_full and limit is not None:
            if claim is not None and claim.write is write:
                del shard.claims[key]
            result = Full(limit)
        else:
            if claim is not None:
                claim.is_made = True
            result = entry = read_entry(fields, shard.base)[0]
            shard.told = max(shard.told, entry.position)
        shard.when_live(partial(_resolve, future, result))

    def leave(self, topic: Topic, user: str | None, hold: float) -> None:
        shard = self._shards[shard_of(topic)]
        if shard.claims.pop((topic, who_is(user)), None) is not None:
            self._interest.submit(shard, shard.writes.leave(topic, who_is(user), round(hold * 1000)), is_state=True)

    def count(self, topic: Topic, subscriptions: int, announce: bool) -> None:
        shard = self._shards[shard_of(topic)]
        known, _ = shard.counts.get(topic, (0, False))
        if known == subscriptions:
            return
        # A number that goes back to what was told is told again: that does no harm.
        shard.counts[topic] = subscriptions, announce
        self._changed_counts[topic] = None

    def tell_counts(self) -> None:
        """Tell Redis the numbers that have changed."""
        changed, self._changed_counts = self._changed_counts, {}
        for topic in changed:
            shard = self._shards[shard_of(topic)]
            subscriptions, announce = shard.counts[topic]
            if not subscriptions:
                del shard.counts[topic]
            self._interest.submit(shard, shard.writes.count(topic, subscriptions, announce=announce), is_state=True)

    def claim_nothing(self) -> None:
        """Have nothing entered again: should the link break while this node signs off, it is taken for a dead one."""
        for shard in self._shards:
            shard.claims.clear()
            shard.counts.clear()


def _resolve(future: Future[Result], result: Result) -> None:
    if not future.done():
        future.set_result(result)
