"""A connection that listens to pub/sub channels.

Replies come in the order of the commands, so each channel asked for is confirmed, or refused, in its turn. Messages
come in between, and so do goodbyes that nobody asked for: Redis Cluster says them when a slot moves away.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from adapter.redis.errors import FORBIDDEN, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adapter.redis.link.wire import Wire

BATCH = 500
"""Channels in one command."""


class Subscription:
    """The channels that one wire listens to.

    :param sharded: speak of sharded channels, as Redis Cluster does.
    :param on_message: called with channel and message.
    :param on_confirmed: called with each channel once it is listened to.
    :param on_refused: called with a channel that isn't listened to, or no more, and why. None: the wire is closed then.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        sharded: bool,
        on_message: Callable[[bytes, bytes], None],
        on_confirmed: Callable[[bytes], None],
        on_refused: Callable[[bytes, str], None] | None = None,
    ) -> None:
        self.wire = wire
        self._join, self._part = ("SSUBSCRIBE", "SUNSUBSCRIBE") if sharded else ("SUBSCRIBE", "UNSUBSCRIBE")
        # One command may name channels of one slot only.
        self._batch = 1 if sharded else BATCH
        self._on_message = on_message
        self._on_confirmed = on_confirmed
        self._on_refused = on_refused or self._fail
        # Channels that are yet to be asked for; sent at the end of the tick.
        self._new: list[bytes] = []
        # What was asked for and isn't answered yet, in order: the channel, and whether to listen to it.
        self._asked: deque[tuple[bytes, bool]] = deque()
        # How many of them are to be listened to.
        self._unconfirmed = 0
        self._all_confirmed = asyncio.Event()
        self._all_confirmed.set()
        # Why the wire was closed, if it was from here; and the refusal, if it was for one.
        self.failure = ""
        self.refusal: Refusal | None = None
        wire.on_reply = self._pushed

    def add(self, channels: Iterable[bytes]) -> None:
        """Listen to more channels."""
        if not self._new:
            asyncio.get_running_loop().call_soon(self._subscribe)
        self._new += channels

    def remove(self, channel: bytes) -> None:
        """Listen no more to a channel that was added."""
        self._subscribe()
        self._asked.append((channel, False))
        self.wire.send((self._part, channel))

    async def wait_answered(self) -> None:
        """Wait until all channels that were added are listened to, or refused."""
        self._subscribe()
        await self._all_confirmed.wait()

    def _subscribe(self) -> None:
        new, self._new = self._new, []
        if not new or self.wire.lost.done():
            return
        self._asked.extend((channel, True) for channel in new)
        self._unconfirmed += len(new)
        self._all_confirmed.clear()
        for start in range(0, len(new), self._batch):
            self.wire.send((self._join, *new[start : start + self._batch]))

    def _pushed(self, reply: Any) -> None:
        if isinstance(reply, Refusal):
            self._refused(reply)
            return
        kind, channel, value = reply
        if kind in {b"message", b"smessage"}:
            self._on_message(channel, value)
        elif kind in {b"subscribe", b"ssubscribe"}:
            self._confirmed(channel)
        elif self._asked and self._asked[0] == (channel, False):
            self._answered()
        else:
            # The slot has moved to another server.
            self._on_refused(channel, "unsubscribed by the server")

    def _confirmed(self, channel: bytes) -> None:
        if not self._asked or self._asked[0] != (channel, True):
            # A goodbye that we asked for and one that the server said by itself can't be told apart.
            self._fail(channel, "confirmed out of turn")
            return
        self._answered()
        self._on_confirmed(channel)

    def _refused(self, refusal: Refusal) -> None:
        if not self._asked or refusal.code in FORBIDDEN:
            self.refusal = refusal
            self._fail(b"no channel", str(refusal))
            return
        channel, is_wanted = self._asked[0]
        self._answered()
        # Who doesn't want it any more doesn't mind.
        if is_wanted:
            self._on_refused(channel, str(refusal))

    def _answered(self) -> None:
        _, is_wanted = self._asked.popleft()
        self._unconfirmed -= is_wanted
        if not self._unconfirmed:
            self._all_confirmed.set()

    def _fail(self, channel: bytes, why: str) -> None:
        self.failure = f"{channel.decode(errors='replace')}: {why}"
        self.wire.close()
