"""When gathered messages are written: at the end of the event-loop tick in which they came, each channel's at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from server.protocol import events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from server.channels.channel import Channel
    from server.metrics import Histogram

FLUSH_AT = 65536
"""Bytes gathered for a channel at which it is flushed early, so that a burst doesn't fill its subscribers' buffers."""


class Delivery:
    """The channels that have something to be written, or a subscription count to be told."""

    def __init__(self, *, clock: Callable[[], float], seconds: Histogram) -> None:
        self._clock = clock
        self._seconds = seconds
        # Channels with gathered frames (a dict for its order), and since when. Invariant: a flush is due while there
        # are any, or any _counted.
        self._dirty: dict[Channel, None] = {}
        self._dirty_since = 0.0
        self._is_due = False
        # Channels whose subscription count has changed in this tick, and those of which it is to be told later.
        self._counted: dict[Channel, None] = {}
        self._counting: set[Channel] = set()

    @property
    def is_pending(self) -> bool:
        """Whether anything is gathered."""
        return bool(self._dirty)

    def soon(self, channel: Channel) -> None:
        """Have what is gathered in a channel written at the end of this tick; at once if it is much."""
        if channel.fanout.size >= FLUSH_AT:
            channel.fanout.flush()
            return
        if not self._dirty:
            self._dirty_since = self._clock()
        self._dirty[channel] = None
        if not self._is_due:
            self._schedule()

    def count_soon(self, channel: Channel) -> None:
        """Have a channel's subscription count told with the flush: many changes in one tick make one event."""
        self._counted[channel] = None
        if not self._is_due:
            self._schedule()

    def forget(self, channel: Channel) -> None:
        """Forget a channel that has no subscribers any more."""
        self._dirty.pop(channel, None)
        self.forget_count(channel)

    def forget_count(self, channel: Channel) -> None:
        """Tell nobody of a channel's subscription count until it changes again."""
        self._counted.pop(channel, None)
        self._counting.discard(channel)

    def flush(self) -> None:
        """Write all that is gathered."""
        if self._counted:
            counted, self._counted = self._counted, {}
            self._tell_counts_of(counted)
        self._is_due = False
        dirty, self._dirty = self._dirty, {}
        if not dirty:
            return
        for channel in dirty:
            channel.fanout.flush()
        self._seconds.observe(self._clock() - self._dirty_since)

    def flush_these(self, channels: Iterable[Channel]) -> None:
        """Write what is gathered in some channels, before something else is written to their subscribers."""
        for channel in channels:
            if channel in self._dirty:
                channel.fanout.flush()

    def tell_counts(self) -> None:
        """Tell the subscription counts of large channels that have become due."""
        self._tell_counts_of(self._counting)

    def _tell_counts_of(self, channels: Iterable[Channel]) -> None:
        now = self._clock()
        for channel in list(channels):
            throttle = channel.count
            assert throttle is not None, "only channels that count are asked"
            count = throttle.take(now)
            if count is not None:
                channel.tell(events.subscription_count(channel.name, count))
                self.soon(channel)
            if throttle.due is None:
                self._counting.discard(channel)
            else:
                self._counting.add(channel)

    def _schedule(self) -> None:
        self._is_due = True
        asyncio.get_running_loop().call_soon(self.flush)
