"""What may change for the worse on a Redis that was fit when this node started: looked at now and then.

What ends the link (a password that was changed, a primary that became a replica) shows by itself.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from adapter.redis.errors import PASSING, Kind, LinkLost, Misconfigured, Refusal
from adapter.redis.primaries.startup import check_memory_policy, check_permissions, explain
from adapter.redis.troubles import Side

if TYPE_CHECKING:
    from adapter.redis.keys import ShardKeys
    from adapter.redis.link.link import Link
    from adapter.redis.scripts import Scripts
    from adapter.redis.stats import Stats

INTERVAL = 10.0
"""Seconds between two checkups; where Redis refused something, or something was wrong, the next probe brings one."""
HARMLESS = PASSING | {"NOSCRIPT"}
"""Codes of refusals that end by themselves."""


class Checkup:
    """The checkups of one server.

    :param where: its name in what is told.
    """

    def __init__(self, where: str, stats: Stats) -> None:
        self._where = where
        self._stats = stats
        self._next_at = asyncio.get_running_loop().time()
        self._seen = 0

    @property
    def _refusals(self) -> int:
        return sum(count for code, count in self._stats.refusals.items() if code not in HARMLESS)

    async def do_if_due(self, link: Link, scripts: Scripts, keys: ShardKeys, boot: str) -> None:
        """Look, if it is time to.

        :param keys: of a shard that the server has.
        :raises LinkLost: if there is no answer.
        """
        now = asyncio.get_running_loop().time()
        are_new = self._refusals != self._seen
        if now < self._next_at and not are_new:
            return
        self._seen = self._refusals
        found: dict[Kind, str] = {}
        for check in (partial(check_memory_policy, link), partial(check_permissions, link, scripts, keys, boot)):
            try:
                await check()
            except (Misconfigured, LinkLost) as exc:
                if exc.kind is Kind.UNREACHABLE:
                    raise
                found[exc.kind] = str(exc)
            except Refusal as exc:
                # Others end by themselves: a script that was forgotten, a slot that moves.
                if (explained := explain(self._where, exc)).kind not in {Kind.UNREACHABLE, Kind.UNFIT}:
                    found[explained.kind] = str(explained)
        if are_new and not found:
            found[Kind.REFUSING] = f"{self._where} refuses writes, which are tried again: {self._stats.last_refusal}"
        # What is wrong is looked at with each probe, so that it is soon known to be mended.
        self._next_at = now if found else now + INTERVAL
        self._stats.troubles.note(Side.SERVER, self._where, found)
