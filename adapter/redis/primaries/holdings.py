"""The shards that one primary has, and what is to be done about them.

HERE ──broken──▶ to be repaired ──▶ being repaired ──▶ HERE
  └──displaced──▶ put aside, until it is adopted again, here or by another partition
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from adapter.redis.shard.shard import Shard


class Holdings:
    """The shards of a partition."""

    def __init__(self) -> None:
        self.shards: set[Shard] = set()
        # Those whose topics may not all be listened to: not to be used before they are adopted again.
        self._displaced: set[Shard] = set()
        # Those that are to be repaired, and why.
        self._broken: dict[Shard, str] = {}
        self._has_broken = asyncio.Event()
        self._repairs: dict[Shard, asyncio.Task[None]] = {}

    @property
    def first(self) -> Shard | None:
        """The one with the lowest number."""
        return min(self.shards, key=lambda shard: shard.number, default=None)

    def in_order(self) -> list[Shard]:
        return sorted(self.shards, key=lambda shard: shard.number)

    # Coming and going

    def adopt(self, shard: Shard) -> None:
        """Have a shard here; a repair that began with other subscriptions does nothing more."""
        self.shards.add(shard)
        self._displaced.discard(shard)
        self._stop_repair(shard)

    def release(self, shard: Shard) -> None:
        """Have a shard here no longer."""
        self.shards.discard(shard)
        self._displaced.discard(shard)
        self._broken.pop(shard, None)
        self._stop_repair(shard)

    def displace(self, shard: Shard, why: str) -> None:
        """Use a shard no more."""
        shard.break_off(why)
        self._broken.pop(shard, None)
        self._displaced.add(shard)

    def is_displaced(self, shard: Shard) -> bool:
        return shard in self._displaced

    # Repairs

    def want_repair(self, shard: Shard, why: str) -> None:
        self._broken[shard] = why
        self._has_broken.set()

    def want_all_repaired(self, why: str) -> None:
        """Begin anew: with a new link all that are of use have to be repaired."""
        self._broken = dict.fromkeys(self.shards - self._displaced, why)
        self._has_broken.set()

    async def wait_broken(self) -> None:
        await self._has_broken.wait()

    def take_broken(self) -> dict[Shard, str]:
        """Return what is to be repaired now, with the reasons."""
        self._has_broken.clear()
        broken, self._broken = self._broken, {}
        return broken

    def may_repair(self, shard: Shard) -> bool:
        """Tell whether a repair may begin: one that was adopted meanwhile waits for its new subscriptions."""
        return shard in self.shards and shard not in self._displaced and shard not in self._broken

    def begin_repair(self, shard: Shard, repair: Coroutine[None, None, None], tasks: asyncio.TaskGroup) -> None:
        self._repairs[shard] = tasks.create_task(repair)

    def end_repairs(self) -> None:
        """Note that all have ended."""
        self._repairs.clear()

    def _stop_repair(self, shard: Shard) -> None:
        if shard in self._repairs:
            self._repairs[shard].cancel()
