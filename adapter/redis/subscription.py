"""A connection that listens to pub/sub channels."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from adapter.redis.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adapter.redis.wire import Wire

BATCH = 500
"""Channels in one command."""


class Subscription:
    """The channels that one wire listens to.

    :param sharded: speak of sharded channels, as Redis Cluster does.
    :param on_message: called with channel and message.
    :param on_confirmed: called with each channel once it is listened to.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        sharded: bool,
        on_message: Callable[[bytes, bytes], None],
        on_confirmed: Callable[[bytes], None],
    ) -> None:
        self.wire = wire
        self._is_sharded = sharded
        self._on_message = on_message
        self._on_confirmed = on_confirmed
        # Channels that are yet to be asked for; sent at the end of the tick.
        self._new: list[bytes] = []
        self._unconfirmed: set[bytes] = set()
        # Channels that we have left ourselves, whose goodbye is still to come.
        self._leaving: set[bytes] = set()
        self._all_confirmed = asyncio.Event()
        self._all_confirmed.set()
        # Why the wire was closed, if it was from here.
        self.failure = ""
        wire.on_reply = self._pushed

    def add(self, channels: Iterable[bytes]) -> None:
        """Listen to more channels."""
        if not self._new:
            asyncio.get_running_loop().call_soon(self._subscribe)
        self._new += channels

    def remove(self, channel: bytes) -> None:
        """Listen no more to a channel that was confirmed."""
        self._leaving.add(channel)
        self.wire.send(("SUNSUBSCRIBE" if self._is_sharded else "UNSUBSCRIBE", channel))

    async def wait_confirmed(self) -> None:
        """Wait until all channels that were added are listened to."""
        await asyncio.sleep(0)
        await self._all_confirmed.wait()

    def _subscribe(self) -> None:
        new, self._new = self._new, []
        if not new or self.wire.lost.done():
            return
        self._unconfirmed.update(new)
        self._all_confirmed.clear()
        if self._is_sharded:
            # One command may name channels of one slot only.
            for channel in new:
                self.wire.send(("SSUBSCRIBE", channel))
            return
        for start in range(0, len(new), BATCH):
            self.wire.send(("SUBSCRIBE", *new[start : start + BATCH]))

    def _pushed(self, reply: Any) -> None:
        if isinstance(reply, Refusal):
            self._fail(f"refused: {reply}")
            return
        kind, channel, value = reply
        if kind in {b"message", b"smessage"}:
            self._on_message(channel, value)
        elif kind in {b"subscribe", b"ssubscribe"}:
            self._confirmed(channel)
        elif channel in self._leaving:
            self._leaving.discard(channel)
        else:
            # The slot has moved to another server.
            self._fail("unsubscribed by the server")

    def _confirmed(self, channel: bytes) -> None:
        self._unconfirmed.discard(channel)
        if not self._unconfirmed:
            self._all_confirmed.set()
        self._on_confirmed(channel)

    def _fail(self, why: str) -> None:
        self.failure = why
        self.wire.close()
