"""Cleaning up after a node that is gone: its entries are taken back, its holds remain.

In each shard the boot is fenced first, so that whatever it still sends is refused; then its claims are taken back like
any other. Every step may be done twice, by several nodes, and be left half done for the next.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from adapter.redis.keys import is_count, split_claim
from adapter.redis.outbox.settlement import release
from adapter.redis.primaries.repair import FENCE_SECONDS

if TYPE_CHECKING:
    from adapter.redis.nodes.identity import Identity
    from adapter.redis.primaries.topology import Topology
    from adapter.redis.shard.shard import Shard
    from adapter.redis.stats import Stats

logger = logging.getLogger(__name__)

BATCH = 200
"""Claims taken back at once, so that others' commands get between."""
LOCK_SECONDS = 10


class Incomplete(Exception):
    """Something changed meanwhile; what is left is for the next attempt."""


class Reaper:
    """Takes back what boots have left behind."""

    def __init__(self, topology: Topology, identity: Identity, stats: Stats) -> None:
        self._topology = topology
        self._shards = topology.shards
        self._identity = identity
        self._stats = stats

    async def reap(self, boot: str) -> None:
        """Clean up after a dead boot, unless another node is at it.

        :raises LinkLost: if Redis is away; what is left is for the next attempt.
        """
        keys = self._shards[0].keys
        if not await self._topology.home.call("SET", keys.reaping(boot), self._identity.boot, "NX", "EX", LOCK_SECONDS):
            return
        name = (await self._told(boot)).get("name") or "without a name"
        logger.warning("node %s (boot %s) is dead, its entries are taken back", name, boot)
        try:
            for shard in self._shards:
                await self._topology.partition(shard).run_script("fence", [shard.keys.writes(boot)], FENCE_SECONDS)
                await self._take_back(shard, boot)
                await release(shard, self._topology, boot)
        except Incomplete:
            logger.info("cleaning up after node %s goes on later", boot)
            return
        await self._forget(boot)
        self._stats.reaped += 1

    async def sign_off(self) -> None:
        """Take back what this node has left, and be known no more."""
        boot = self._identity.boot
        for shard in self._shards:
            await self._take_back(shard, boot)
            await self._topology.partition(shard).call("UNLINK", shard.keys.writes(boot))
        await self._forget(boot)

    async def _take_back(self, shard: Shard, boot: str) -> None:
        partition = self._topology.partition(shard)
        key = shard.keys.claims(boot)
        claims = [claim.decode() for claim in await partition.call("HKEYS", key)]
        writes = []
        for claim in claims:
            topic, who = split_claim(claim)
            if is_count(who):
                writes.append(shard.writes.count(topic, 0, announce=True, claims=key))
            else:
                writes.append(shard.writes.leave(topic, who, 0, claims=key))
        for start in range(0, len(writes), BATCH):
            if not await partition.write_guarded(shard, writes[start : start + BATCH]):
                raise Incomplete

    async def _forget(self, boot: str) -> None:
        keys = self._shards[0].keys
        for app_id in (await self._told(boot)).get("leases", []):
            await self._topology.home.call("HDEL", keys.leases(app_id), boot)
        await self._topology.home.call("HDEL", keys.nodes, boot)
        await self._topology.home.call("ZREM", keys.beats, boot)

    async def _told(self, boot: str) -> dict[str, Any]:
        """Return what a node said of itself; nothing if others have cleaned up already."""
        told = await self._topology.home.call("HGET", self._shards[0].keys.nodes, boot)
        return json.loads(told) if told else {}
