"""Which of a shard's messages are news: none is delivered twice, none out of order, none is missed unnoticed.

Pure: no I/O. Positions of a shard count without holes, but a node gets only those of the topics that it watches, so a
hole in what arrives means nothing. What says that nothing is missing is a *barrier*: a probe that was sent after a
position had been read, and that came back over the subscription.

    LIVE: deliver what is above `seen` ──link broken, other epoch──▶ KEPT ASIDE ──everything up to it read──▶ LIVE
"""

from __future__ import annotations

from typing import Generic, TypeVar

Item = TypeVar("Item")

MOST_KEPT = 8 * 1024 * 1024
"""Bytes that are kept aside; more, and what is kept is dropped, to be read from the journal instead."""


class Intake(Generic[Item]):
    """What one node has seen of one shard."""

    def __init__(self) -> None:
        # Everything up to this position was delivered, or is of no interest here.
        self.seen = 0
        # None while live.
        self._kept: list[tuple[int, Item]] | None = []
        self._kept_bytes = 0
        self.has_overflowed = False

    def keep_aside(self) -> None:
        """Keep what arrives from now on until :meth:`resume`; what was kept before is for the journal to tell.

        (It may be from another server, which has given its positions to other messages.)
        """
        self._kept, self._kept_bytes, self.has_overflowed = [], 0, False

    def arrived(self, position: int, item: Item, size: int) -> bool:
        """Take in what came over the subscription; tell whether it is to be delivered now."""
        if self._kept is not None:
            self._keep(position, item, size)
            return False
        if position <= self.seen:
            return False
        self.seen = position
        return True

    def _keep(self, position: int, item: Item, size: int) -> None:
        assert self._kept is not None, "only while kept aside"
        if self.has_overflowed:
            return
        self._kept_bytes += size
        self._kept.append((position, item))
        if self._kept_bytes > MOST_KEPT:
            self._kept.clear()
            self.has_overflowed = True

    def passed(self, position: int) -> None:
        """Note that a barrier has passed: all up to `position` has arrived."""
        if self._kept is None and position > self.seen:
            self.seen = position

    def read(self, position: int) -> bool:
        """Take in the next entry of the journal; tell whether none is missing before it."""
        is_next = position == self.seen + 1
        if is_next:
            self.seen = position
        return is_next

    def skip_to(self, position: int) -> None:
        """Give up what is missing up to `position`, which may be lower than what was seen (in another epoch)."""
        self.seen = position

    def resume(self) -> list[tuple[int, Item]]:
        """Be live again; return what was kept aside and is news."""
        assert self._kept is not None, "was kept aside"
        assert not self.has_overflowed, "nothing was dropped"
        news, self._kept = [(position, item) for position, item in self._kept if position > self.seen], None
        if news:
            self.seen = news[-1][0]
        return news
