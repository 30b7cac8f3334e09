"""Which primary has which shards.

With one server, one that Sentinel names, or several independent ones, that is settled once. In a Redis Cluster it is
read from the cluster, and read again whenever a shard is found not to be where it was thought to be.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any

from adapter.redis.errors import MOVING, LinkLost, Misconfigured, Refusal
from adapter.redis.keys import ShardKeys
from adapter.redis.link.place import Cluster, Sentinel, Single, read_url
from adapter.redis.primaries.cluster_map import ClusterMap
from adapter.redis.primaries.finder import FixedFinder, SentinelFinder
from adapter.redis.primaries.partition import Partition
from adapter.redis.shard.shard import Shard
from adapter.redis.shards import SHARDS
from adapter.redis.troubles import Side

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence

    from adapter.redis.link.place import Place
    from adapter.redis.nodes.identity import Identity
    from adapter.redis.options import RedisOptions
    from adapter.redis.shard.watch import Watch
    from adapter.redis.stats import Stats

logger = logging.getLogger(__name__)

Question = tuple[Shard, tuple["bytes | str | int", ...]]

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.5
"""Seconds between two looks at where the shards of a Redis Cluster are."""
AGAIN = 0.01
"""Seconds before a question is asked again that broke off."""


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
        # By the address of its server, on Redis Cluster.
        self._partitions: dict[str, Partition] = {}
        self._running: dict[Partition, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        # None but for Redis Cluster; with it, shards that aren't where they were thought to be, and why.
        self._map = ClusterMap(targets[0].seeds, options) if isinstance(targets[0], Cluster) else None
        self._displaced: dict[Shard, str] = {}
        self._has_displaced = asyncio.Event()

    @property
    def home(self) -> Partition:
        """Where it is kept which nodes there are."""
        return self._of[self.shards[0]]

    def partition(self, shard: Shard) -> Partition:
        return self._of[shard]

    # Life

    def open(self) -> None:
        """Make what needs the running event loop."""
        # Done when all shards have a place, or fails with what can't be mended.
        self._placed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._map is not None:
            self.displaced(self.shards, "the cluster is new")
            return
        partitions = [
            self._fixed_partition(target, f"{number}/{len(self._targets)}")
            for number, target in enumerate(self._targets, 1)
            if not isinstance(target, Cluster)
        ]
        self._partitions = {str(partition.finder): partition for partition in partitions}
        for shard in self.shards:
            self._assign(shard, partitions[shard.number % len(partitions)])
        self._placed.set_result(None)

    async def run(self) -> None:
        """Keep all connections, until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            for partition in self._partitions.values():
                self._run(partition)
            if self._map is not None:
                self._tasks.create_task(self._keep_map(self._map))

    def _run(self, partition: Partition) -> None:
        assert self._tasks is not None, "running"
        self._running[partition] = self._tasks.create_task(partition.run())

    async def wait_up(self) -> None:
        """Wait until every shard can be used.

        :raises Misconfigured: if that will never be.
        """
        await asyncio.shield(self._placed)
        waited: list[Partition] = []
        while waited != list(self._partitions.values()):
            waited = list(self._partitions.values())
            await asyncio.gather(*(asyncio.shield(partition.failed) for partition in waited))

    def end(self) -> None:
        """Have no connection made again; to be cancelled now."""
        for partition in self._partitions.values():
            partition.is_ending = True

    def close(self) -> None:
        for partition in self._partitions.values():
            partition.close()

    # Who has what

    def _assign(self, shard: Shard, partition: Partition) -> None:
        if (before := self._of.get(shard)) is not None and before is not partition:
            before.release(shard)
        self._of[shard] = partition
        partition.adopt(shard)

    def _fixed_partition(self, target: Single | Sentinel, agreement: str) -> Partition:
        return Partition(
            FixedFinder(target.place) if isinstance(target, Single) else SentinelFinder(target, self._options),
            identity=self._identity,
            options=self._options,
            stats=self._stats,
            is_found=isinstance(target, Sentinel),
            agreement=agreement,
            on_due=self._on_due,
        )

    def _master(self, place: Place) -> Partition:
        """Return the partition of a master of the cluster."""
        known = self._partitions.get(str(place))
        if known is not None:
            return known
        partition = self._partitions[str(place)] = Partition(
            FixedFinder(place),
            identity=self._identity,
            options=self._options,
            stats=self._stats,
            is_found=True,
            agreement="cluster",
            on_due=self._on_due,
            on_displaced=self.displaced,
        )
        self._run(partition)
        return partition

    def displaced(self, shards: Iterable[Shard], why: str) -> None:
        """Find out where shards are, as soon as possible."""
        self._displaced.update(dict.fromkeys(shards, why))
        self._has_displaced.set()

    async def _keep_map(self, cluster: ClusterMap) -> None:
        """Place displaced shards whenever there are some; the longer it takes with one, the longer the pause."""
        pause = FIRST_PAUSE
        before: dict[Shard, str] = {}
        while True:
            await self._has_displaced.wait()
            self._has_displaced.clear()
            displaced, self._displaced = self._displaced, {}
            pause = min(LONGEST_PAUSE, pause * 2) if displaced.keys() & before.keys() else FIRST_PAUSE
            before = displaced
            try:
                self._place(displaced, await cluster.read(displaced.values()))
                self._stats.troubles.note(Side.LINK, "cluster", {})
            except (LinkLost, Misconfigured) as exc:
                self._complain(exc)
                self.displaced(displaced, str(exc))
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))

    def _complain(self, why: LinkLost | Misconfigured) -> None:
        if isinstance(why, Misconfigured) and not self._placed.done():
            self._placed.set_exception(why)
        self._stats.troubles.note(Side.LINK, "cluster", {why.kind: str(why)})

    def _place(self, displaced: Iterable[Shard], owners: dict[int, Place]) -> None:
        """Have every shard where it is now; those that were displaced are set up again even where they were."""
        again = set(displaced)
        for shard in self.shards:
            place = owners.get(shard.number)
            if place is None:
                self.displaced([shard], "no master has its slot")
            elif shard in again or self._of[shard] is not self._partitions.get(str(place)):
                self._assign(shard, self._master(place))
        for partition in [one for one in self._partitions.values() if one.is_empty]:
            self._dismiss(partition)
        if len(self._of) == len(self.shards) and not self._placed.done():
            self._placed.set_result(None)

    def _dismiss(self, partition: Partition) -> None:
        """Give up the connections to a master that has nothing of ours any more."""
        logger.info("%s has no shard any more", partition.finder)
        del self._partitions[str(partition.finder)]
        partition.is_ending = True
        self._running.pop(partition).cancel()
        partition.close()

    # Messages and questions

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
        answers: dict[int, Any] = {}
        while len(answers) < len(questions):
            for partition, indices in self._by_partition(questions, answers).items():
                found = await _ask(partition, [questions[index][1] for index in indices])
                for index, answer in zip(indices, found, strict=False):
                    if isinstance(answer, Refusal):
                        self._look_for(questions[index][0], answer)
                    else:
                        answers[index] = answer
            if len(answers) < len(questions):
                await asyncio.sleep(AGAIN)
        return [answers[index] for index in range(len(questions))]

    def _by_partition(self, questions: Sequence[Question], answers: Container[int]) -> dict[Partition, list[int]]:
        places: dict[Partition, list[int]] = {}
        for index, (shard, _) in enumerate(questions):
            if index not in answers:
                places.setdefault(self._of[shard], []).append(index)
        return places

    def _look_for(self, shard: Shard, refusal: Refusal) -> None:
        if self._map is None or refusal.code not in MOVING:
            raise refusal
        self.broken(shard, str(refusal))


async def _ask(partition: Partition, commands: list[tuple[bytes | str | int, ...]]) -> list[Any]:
    """Return the answers, or none if there are none just now."""
    await partition.up.wait()
    try:
        return await partition.ask_each(commands)
    except LinkLost:
        return []
