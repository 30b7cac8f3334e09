"""Comparing what Redis has of this node with what is to be: a failover may have lost the one or kept the other."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from adapter.redis.keys import claim_of, count_claim, is_count, split_claim
from adapter.redis.shard.shard import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapter.redis.primaries.partition import Partition
    from adapter.redis.shard.numbering import Write
    from adapter.redis.shard.shard import Shard

logger = logging.getLogger(__name__)


async def reconcile(shard: Shard, partition: Partition) -> None:
    """Bring Redis in line with what this node claims in a shard, if nothing else is under way there.

    :raises LinkLost: if Redis is away.
    """
    if shard.state is not State.LIVE or not shard.line.is_idle:
        return
    given = shard.line.given
    boot = shard.boot
    found = {claim.decode() for claim in await partition.call("HKEYS", shard.keys.claims(boot))}
    if shard.line.given != given or not shard.line.is_idle or shard.boot != boot or any_held(shard):
        return
    writes = differences(shard, found)
    if writes:
        logger.info("shard %d: %d entries differ from what Redis has; corrected", shard.number, len(writes))
    for write in writes:
        shard.submit(write)


def any_held(shard: Shard) -> bool:
    return any(watch.held for watch in shard.watches.values())


def differences(shard: Shard, found: set[str]) -> list[Write]:
    """Return the writes that make of `found` what this node claims."""
    missing = [
        shard.writes.enter(topic, who, claim.info, told="look")
        for (topic, who), claim in shard.claims.items()
        if claim_of(topic, who) not in found
    ]
    missing += [
        shard.writes.count(topic, count, announce=announce, is_news=False)
        for topic, (count, announce) in shard.counts.items()
        if count and count_claim(topic) not in found
    ]
    return missing + surplus(shard, found)


def surplus(shard: Shard, found: Iterable[str]) -> list[Write]:
    """Return the writes that take back what of `found` this node doesn't claim."""
    writes = []
    for topic, who in map(split_claim, found):
        if is_count(who) and topic not in shard.counts:
            writes.append(shard.writes.count(topic, 0, announce=False))
        elif not is_count(who) and (topic, who) not in shard.claims:
            writes.append(shard.writes.leave(topic, who, 0))
    return writes
