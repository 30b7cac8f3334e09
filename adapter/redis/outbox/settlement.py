"""What this node has taken from the outboxes, and what it has to tell Redis about it.

Everything here may be done twice, so whatever fails is kept and tried again.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING

from adapter.redis.errors import LinkLost, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapter.redis.primaries.topology import Topology
    from adapter.redis.shard.shard import Shard

logger = logging.getLogger(__name__)

SETTLED_AT_ONCE = 500

Act = tuple[str, tuple[str, ...], tuple["bytes | str | int", ...]]
"""A script, its keys, its arguments."""


class Settlement:
    """The notices in hand, by shard."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        # Entries that are handed out here, as far as Redis has not confirmed yet that they are settled.
        self.in_hand: defaultdict[Shard, set[str]] = defaultdict(set)
        # Those to be settled, and what has to be done before them.
        self._done: defaultdict[Shard, list[str]] = defaultdict(list)
        self._acts: defaultdict[Shard, list[Act]] = defaultdict(list)

    def add(self, shard: Shard, act: Act) -> None:
        """Have a script run, before what is done from now on is settled."""
        self._acts[shard].append(act)

    def done(self, shard: Shard, handle: str) -> None:
        """Have an entry forgotten."""
        self._done[shard].append(handle)

    async def settle(self) -> bool:
        """Tell Redis; return whether all went well. The rest is for later."""
        is_done = True
        for shard in {**self._acts, **self._done}:
            try:
                await self._settle_shard(shard)
            except (LinkLost, Refusal) as exc:
                note(shard, "notices are settled later", exc)
                is_done = False
        return is_done

    async def _settle_shard(self, shard: Shard) -> None:
        partition = self._topology.partition(shard)
        acts, done = self._acts[shard][:], self._done[shard][:]
        commands = [partition.script_command(name, keys, *arguments) for name, keys, arguments in acts]
        commands += [partition.script_command("settle", [shard.keys.outbox], *part) for part in parts_of(done)]
        for answer in await partition.ask_each(commands):
            if isinstance(answer, Refusal):
                raise answer
        # More may have come meanwhile, behind these.
        del self._acts[shard][: len(acts)], self._done[shard][: len(done)]
        self.in_hand[shard].difference_update(done)
        for lists in (self._acts, self._done):
            if not lists[shard]:
                del lists[shard]


async def release(shard: Shard, topology: Topology, boot: str) -> None:
    """Leave what a boot has taken from a shard's outbox to the others.

    :raises LinkLost: if Redis is away.
    """
    await topology.partition(shard).run_script("release", [shard.keys.outbox], boot)


def parts_of(ids: list[str]) -> Iterator[list[str]]:
    """Yield so many at once as a script can take."""
    for start in range(0, len(ids), SETTLED_AT_ONCE):
        yield ids[start : start + SETTLED_AT_ONCE]


def note(shard: Shard, what: str, why: LinkLost | Refusal) -> None:
    """Note that something about a shard's outbox didn't succeed; refusals are counted as those of writes are."""
    logger.debug("shard %d: %s: %s", shard.number, what, why)
    if isinstance(why, Refusal):
        shard.stats.refusals[why.code] += 1
