"""Which primary has which shards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from adapter.redis.errors import LinkLost, Misconfigured
from adapter.redis.finder import FixedFinder, SentinelFinder
from adapter.redis.keys import ShardKeys
from adapter.redis.partition import Partition
from adapter.redis.place import Cluster, Sentinel, Single, read_url
from adapter.redis.shard import Shard
from adapter.redis.shards import SHARDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapter.redis.finder import Finder
    from adapter.redis.identity import Identity
    from adapter.redis.options import RedisOptions
    from adapter.redis.place import Target
    from adapter.redis.stats import Stats
    from adapter.redis.watch import Watch

Question = tuple[Shard, tuple["bytes | str | int", ...]]


class Topology:
    """The partitions, and the shards that each has."""

    def __init__(
        self,
        urls: Sequence[str],
        identity: Identity,
        options: RedisOptions,
        stats: Stats,
        *,
        on_fenced: Callable[[str], None],
        on_due: Callable[[Shard, list[bytes]], None],
    ) -> None:
        targets = [read_url(url) for url in urls]
        if len(targets) > 1 and not all(isinstance(target, Single) for target in targets):
            raise Misconfigured("redis: several URLs are for independent servers; give one for Sentinel or Cluster")
        self._targets = targets
        self._identity = identity
        self._options = options
        self._stats = stats
        self._on_due = on_due
        database = 0 if isinstance(targets[0], Cluster) else targets[0].place.db
        self.shards = [
            Shard(
                number,
                ShardKeys(options.prefix, number, db=database),
                stats=stats,
                on_broken=self.broken,
                on_fenced=on_fenced,
            )
            for number in range(SHARDS)
        ]
        self._of: dict[Shard, Partition] = {}
        self._partitions: list[Partition] = []

    @property
    def home(self) -> Partition:
        """Where it is kept which nodes there are."""
        return self._of[self.shards[0]]

    def partition(self, shard: Shard) -> Partition:
        return self._of[shard]

    def open(self) -> None:
        """Make what needs the running event loop."""
        self._partitions = [self._partition(target) for target in self._targets]
        for shard in self.shards:
            self._assign(shard, self._partitions[shard.number % len(self._partitions)])

    async def run(self) -> None:
        """Keep all connections, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for partition in self._partitions:
                tasks.create_task(partition.run())

    def _assign(self, shard: Shard, partition: Partition) -> None:
        self._of[shard] = partition
        partition.shards.add(shard)
        partition.listen(shard.watches.values())

    def _partition(self, target: Target) -> Partition:
        finder: Finder
        if isinstance(target, Single):
            finder = FixedFinder(target.place)
        else:
            assert isinstance(target, Sentinel)
            finder = SentinelFinder(target, self._options)
        return Partition(
            finder,
            identity=self._identity,
            options=self._options,
            stats=self._stats,
            is_cluster=False,
            is_found=isinstance(target, Sentinel),
            agreement=str(len(self._targets)),
            on_due=self._on_due,
        )

    async def wait_up(self) -> None:
        """Wait until every shard can be used.

        :raises Misconfigured: if that will never be.
        """
        await asyncio.gather(*(asyncio.shield(partition.failed) for partition in self._partitions))

    def listen(self, watch: Watch) -> None:
        partition = self._of.get(watch.shard)
        if partition is not None:
            partition.listen([watch])

    def forget(self, watch: Watch) -> None:
        self._of[watch.shard].forget(watch)

    def broken(self, shard: Shard, why: str) -> None:
        self._of[shard].broken(shard, why)

    async def ask(self, questions: Sequence[Question]) -> list[Any]:
        """Ask until there is an answer; those for the same primary together.

        :raises Refusal: if it is an error.
        """
        places: dict[Partition, list[int]] = {}
        for index, (shard, _) in enumerate(questions):
            places.setdefault(self._of[shard], []).append(index)
        answers: list[Any] = [None] * len(questions)
        for partition, indices in places.items():
            found = await _ask(partition, [questions[index][1] for index in indices])
            for index, answer in zip(indices, found, strict=True):
                answers[index] = answer
        return answers

    def end(self) -> None:
        """Have no connection made again; to be cancelled now."""
        for partition in self._partitions:
            partition.is_ending = True

    def close(self) -> None:
        for partition in self._partitions:
            partition.close()


async def _ask(partition: Partition, commands: list[tuple[bytes | str | int, ...]]) -> list[Any]:
    while True:
        await partition.up.wait()
        try:
            return await partition.ask_all(commands)
        except LinkLost:
            await asyncio.sleep(0.01)
