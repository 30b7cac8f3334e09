"""A topic that this node is interested in.

    (watched) ──▶ UNCONFIRMED ──Redis confirms the subscription──▶ CONFIRMED ──unwanted for a while──▶ gone

Confirmed once, it stays so while links break: what is missed then is read from the journal.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapter.base import Topic
    from adapter.redis.shard.numbering import Write
    from adapter.redis.shard.shard import Shard


class Watch:
    """Interest in one topic."""

    __slots__ = (
        "_confirmation",
        "changed_at",
        "channel",
        "held",
        "is_confirmed",
        "is_looked_at",
        "is_stale",
        "is_wanted",
        "reread_at",
        "shard",
        "topic",
        "unwanted_at",
    )

    def __init__(self, topic: Topic, shard: Shard) -> None:
        self.topic = topic
        self.shard = shard
        self.channel = shard.keys.channel(topic).encode()
        self.is_wanted = True
        self.unwanted_at = 0.0
        self.is_confirmed = False
        # Set with the confirmation, if somebody waits for it.
        self._confirmation: asyncio.Event | None = None
        # Writes that wait for the confirmation, in order.
        self.held: list[Write] = []
        # The position of the last change of entries that was told, and of the last time the topic was read again.
        self.changed_at = 0
        self.reread_at = 0
        # Whether it has to be read again, and whether that is under way.
        self.is_stale = False
        self.is_looked_at = False

    def confirm(self) -> list[Write]:
        """Note that the topic is listened to; return the writes that have waited for it."""
        self.is_confirmed = True
        if self._confirmation is not None:
            self._confirmation.set()
        held, self.held = self.held, []
        return held

    async def wait_confirmed(self) -> None:
        """Wait until the topic is listened to."""
        if not self.is_confirmed:
            self._confirmation = self._confirmation or asyncio.Event()
            await self._confirmation.wait()
