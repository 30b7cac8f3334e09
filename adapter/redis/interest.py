"""Which topics this node listens to, and what has to wait until it does.

An entry's answer is only worth something if nothing that comes after it can be missed: so what is entered in a topic
waits until Redis has confirmed the subscription to it, and so does everything that was asked behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapter.redis.shard.watch import Watch
from adapter.redis.shards import shard_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adapter.base import Topic
    from adapter.redis.primaries.topology import Topology
    from adapter.redis.shard.numbering import Write
    from adapter.redis.shard.shard import Shard

LINGER = 5.0
"""Seconds for which a topic is listened to after it lost its last subscriber: a page that is loading anew."""


class Interest:
    """The watches of this node."""

    def __init__(self, topology: Topology, clock: Callable[[], float]) -> None:
        self._topology = topology
        self._clock = clock
        # Not confirmed when last looked at, and unwanted, the longest first.
        self._unconfirmed: dict[Watch, None] = {}
        self._unwanted: dict[Watch, None] = {}

    def watch(self, topic: Topic) -> None:
        shard = self._topology.shards[shard_of(topic)]
        watch = shard.watches.get(topic)
        if watch is not None:
            watch.is_wanted = True
            self._unwanted.pop(watch, None)
            return
        watch = shard.watches[topic] = Watch(topic, shard)
        self._unconfirmed[watch] = None
        self._topology.listen(watch)

    def unwatch(self, topic: Topic) -> None:
        watch = self._topology.shards[shard_of(topic)].watches.get(topic)
        if watch is not None and watch.is_wanted:
            watch.is_wanted = False
            watch.unwanted_at = self._clock()
            self._unwanted[watch] = None

    def submit(self, shard: Shard, write: Write, *, is_state: bool) -> None:
        """Have a write applied after all others of its topic; `is_state` if it needs the subscription."""
        watch = shard.watches.get(write.topic)
        if watch is None or watch.is_confirmed or not (is_state or watch.held):
            shard.submit(write)
        else:
            watch.held.append(write)

    async def wait_confirmed(self, topics: Iterable[Topic]) -> None:
        """Wait until those of the topics that are watched are listened to."""
        for topic in topics:
            watch = self._topology.shards[shard_of(topic)].watches.get(topic)
            if watch is not None:
                await watch.wait_confirmed()

    def overdue(self, before: float) -> list[Write]:
        """Take out the writes asked for until `before` that wait no longer."""
        late: list[Write] = []
        for watch in list(self._unconfirmed):
            if watch.is_confirmed:
                del self._unconfirmed[watch]
                continue
            late += [write for write in watch.held if write.is_overdue(before)]
            watch.held = [write for write in watch.held if not write.is_overdue(before)]
        return late

    def sweep(self) -> None:
        """Listen no more to what nobody has wanted for a while."""
        until = self._clock() - LINGER
        for watch in list(self._unwanted):
            if watch.unwanted_at > until:
                return
            if watch.is_confirmed:
                del self._unwanted[watch]
                del watch.shard.watches[watch.topic]
                self._topology.forget(watch)
