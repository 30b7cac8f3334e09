"""When a channel's ``subscription_count`` is told: each change in a small channel, one in some seconds in a large."""

from __future__ import annotations

LARGE = 100
"""Above so many subscriptions a channel's changes are gathered, as Pusher does."""
INTERVAL = 5.0
"""Seconds between two events in a large channel."""


class CountThrottle:
    """Decides what of a channel's changing number of subscriptions its subscribers hear."""

    __slots__ = ("_told_at", "told", "total")

    def __init__(self) -> None:
        # What is, and what subscribers were told last.
        self.total = 0
        self.told = 0
        self._told_at = -INTERVAL

    @property
    def is_large(self) -> bool:
        return self.total > LARGE

    @property
    def due(self) -> float | None:
        """When to call :meth:`take`; None while everything is told."""
        if self.total == self.told:
            return None
        return self._told_at + INTERVAL if self.is_large else self._told_at

    def take(self, now: float) -> int | None:
        """Return the number to be told now, None if there is none."""
        due = self.due
        if due is None or now < due:
            return None
        self.told, self._told_at = self.total, now
        return self.total
