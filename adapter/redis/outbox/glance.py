"""How the outboxes of all shards stand, seen from one node; and to which node each of them falls."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from adapter.outbox import OutboxNumbers
from adapter.redis.errors import LinkLost, Refusal
from adapter.redis.outbox.settlement import note

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapter.redis.primaries.partition import Partition
    from adapter.redis.primaries.topology import Topology
    from adapter.redis.shard.shard import Shard

DUE_AT_ONCE = 200
"""What was held back and is moved in a shard each second, by each node."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What scripts/glance.lua tells of one shard."""

    waiting: int
    age: float | None
    """Seconds since the oldest notice that nobody has taken; None if there is none."""
    consumers: dict[bytes, int]
    """Who has notices in hand, and how many."""
    due: list[bytes]
    held_back: int
    buried: int
    dropped: int


async def glance(topology: Topology) -> dict[Shard, Glance]:
    """Look at all shards that can be seen just now."""
    by_partition: defaultdict[Partition, list[Shard]] = defaultdict(list)
    for shard in topology.shards:
        by_partition[topology.partition(shard)].append(shard)
    found: dict[Shard, Glance] = {}
    for partition, shards in by_partition.items():
        # One script for each shard: on Redis Cluster it may touch one slot only.
        commands = [partition.script_command("glance", _keys(shard), DUE_AT_ONCE) for shard in shards]
        try:
            answers = await partition.ask_each(commands)
        except LinkLost:
            continue
        for shard, answer in zip(shards, answers, strict=True):
            if isinstance(answer, Refusal):
                note(shard, "its outbox isn't seen", answer)
            else:
                found[shard] = _read(*answer)
    return found


def _keys(shard: Shard) -> list[str]:
    keys = shard.keys
    return [keys.outbox, keys.held_back, keys.buried, keys.meta]


def _read(now: int, told: list[Any]) -> Glance:
    length, oldest, consumers, due, held_back, buried, dropped = told
    return Glance(
        waiting=length,
        age=max(0.0, (now - oldest) / 1000) if oldest else None,
        consumers={consumer: int(count) for consumer, count in consumers},
        due=due,
        held_back=held_back,
        buried=buried,
        dropped=int(dropped),
    )


def total(glances: Iterable[Glance]) -> OutboxNumbers:
    """Return the numbers of all shards together."""
    numbers = OutboxNumbers()
    for seen in glances:
        numbers.waiting += seen.waiting
        numbers.held_back += seen.held_back
        numbers.oldest = max(numbers.oldest, seen.age or 0.0)
        numbers.buried += seen.buried
        numbers.dropped += seen.dropped
    return numbers


def whose(shard: int, alive: Iterable[str]) -> str:
    """Return the boot to which a shard falls, the same on all nodes that know the same boots."""
    return max(alive, key=lambda boot: blake2b(f"{shard} {boot}".encode(), digest_size=8).digest())
