"""The topics that one partition listens to, and what its subscription brings of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from adapter.redis.shard.envelope import Unreadable, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapter.redis.shard.shard import Shard
    from adapter.redis.shard.watch import Watch
    from adapter.redis.stats import Stats

logger = logging.getLogger(__name__)

UNREADABLE_A_LINE = 1000
"""Envelopes that nobody can read for which there is one line in the log."""


class Listening:
    """The watches of a partition, by their pub/sub channels."""

    def __init__(self, stats: Stats) -> None:
        self._stats = stats
        self._by_channel: dict[bytes, Watch] = {}

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._by_channel)

    def add(self, watches: Iterable[Watch]) -> list[bytes]:
        """Have messages of these topics delivered; return the channels that are new."""
        return [watch.channel for watch in watches if self._by_channel.setdefault(watch.channel, watch) is watch]

    def remove(self, watch: Watch) -> bool:
        """Have no more of them delivered; tell whether they were."""
        return self._by_channel.pop(watch.channel, None) is not None

    def shard_of(self, channel: bytes) -> Shard | None:
        watch = self._by_channel.get(channel)
        return None if watch is None else watch.shard

    def received(self, channel: bytes, data: bytes) -> bool:
        """Take in what came over a channel; tell whether it is one of these."""
        watch = self._by_channel.get(channel)
        if watch is None:
            return False
        try:
            position, kind, first, second = read(data)
        except Unreadable as exc:
            self._stats.unreadable += 1
            # There may be as many of them as there are messages.
            if self._stats.unreadable % UNREADABLE_A_LINE == 1:
                logger.warning("dropped %d so far: %s", self._stats.unreadable, exc)
            return True
        watch.shard.arrived(watch, position, kind, first, second, len(data))
        return True

    def confirmed(self, channel: bytes) -> None:
        """Submit what has waited until a channel is listened to."""
        watch = self._by_channel.get(channel)
        if watch is None or watch.is_confirmed:
            return
        for write in watch.confirm():
            watch.shard.submit(write)
