"""What is read of the cluster's state: always from Redis, never from other nodes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from adapter.base import Occupancy, Topic
from adapter.errors import Unavailable
from adapter.redis.errors import Refusal
from adapter.redis.nodes.nodes import read_nodes
from adapter.redis.shard.answers import read_remembered
from adapter.redis.shards import shard_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapter.base import NodeInfo, Remembered
    from adapter.redis.primaries.topology import Topology
    from adapter.redis.shard.shard import Shard

Command = tuple["bytes | str | int", ...]


class Reads:
    """Questions to Redis; each raises :class:`~adapter.errors.Unavailable` if it is away for longer than `patience`."""

    def __init__(self, topology: Topology, *, patience: float) -> None:
        self._topology = topology
        self._shards = topology.shards
        self._patience = patience

    async def nodes(self) -> list[NodeInfo]:
        home, keys = self._shards[0], self._shards[0].keys
        commands: tuple[Command, ...] = (
            ("TIME",),
            ("ZRANGE", keys.beats, 0, -1, "WITHSCORES"),
            ("HGETALL", keys.nodes),
        )
        (seconds, micros), beats, told = await self._ask([(home, command) for command in commands])
        texts = iter(told)
        by_boot = {boot.decode(): text.decode() for boot, text in zip(texts, texts, strict=True)}
        return read_nodes(int(seconds) + int(micros) / 1_000_000, beats, by_boot)

    async def describe(self, topics: Sequence[Topic]) -> list[Occupancy]:
        questions: list[tuple[Shard, Command]] = []
        for topic in topics:
            shard = self._shards[shard_of(topic)]
            questions.append((shard, ("HMGET", shard.keys.state(topic), "whos", "subscriptions", "members")))
        return [_occupancy(*answer) for answer in await self._ask(questions)]

    async def occupied_topics(self, app_id: str, prefix: str) -> dict[str, Occupancy]:
        answers = await self._ask([(shard, ("SMEMBERS", shard.keys.occupied(app_id))) for shard in self._shards])
        start = f"{app_id}/{prefix}"
        found = [Topic(text) for answer in answers for topic in answer if (text := topic.decode()).startswith(start)]
        occupancies = await self.describe(found)
        names = len(app_id) + 1
        return {topic[names:]: told for topic, told in zip(found, occupancies, strict=True) if told.occupied}

    async def members(self, topic: Topic) -> list[str]:
        shard = self._shards[shard_of(topic)]
        (users,) = await self._ask([(shard, ("HKEYS", shard.keys.roster(topic)))])
        return [user.decode() for user in users]

    async def remembered(self, topic: Topic) -> Remembered | None:
        shard = self._shards[shard_of(topic)]
        key = shard.keys.remembered(topic)
        stored, ttl = await self._ask([(shard, ("GET", key)), (shard, ("PTTL", key))])
        return read_remembered(stored, ttl)

    async def _ask(self, questions: Sequence[tuple[Shard, Command]]) -> list[Any]:
        """Ask for what is to be read; wait a while for Redis to be there."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._topology.ask(questions)
        except (TimeoutError, Refusal) as exc:
            raise away() from exc


def away() -> Unavailable:
    """Return what callers are told when Redis is away for too long."""
    return Unavailable("the cluster's Redis can't be reached")


def _occupancy(whos: bytes | None, subscriptions: bytes | None, members: bytes | None) -> Occupancy:
    return Occupancy(int(whos or 0) > 0, int(subscriptions or 0), int(members or 0))
