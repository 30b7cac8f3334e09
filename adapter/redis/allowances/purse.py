"""What a node holds of one allowance of an application. Sans-I/O.

The allowance itself is in Redis (scripts/draw.lua). The node draws from it in portions, each about what half a second
takes, so that it asks a few times a second however many requests there are, and not at all while there are none. A
portion lapses after a second, so what nodes hold is never more than a second's worth of the allowance, beside what it
held itself: that is the ``t + 2`` of :meth:`adapter.base.Adapter.spend`.
"""

from __future__ import annotations

from collections import deque

from adapter.base import Spent

LIFETIME = 1.0
"""Seconds for which a portion may be spent."""
PORTION = 0.5
"""Seconds for which a portion is to last."""
LEAST_SHARE = 64
"""Which part of the rate a portion is at least: one of so many. So much may lapse unused."""
REST = 0.25
"""Seconds for which a node doesn't ask again after it got less than it needed. Requests are refused meanwhile."""


class Purse:
    """Portions of an allowance, and how fast they are spent."""

    __slots__ = ("_at", "_demand", "_held", "_last_demand", "_missing", "_portions", "_since", "dry_until", "rate")

    def __init__(self, rate: int, now: float) -> None:
        self.rate = rate
        # (when it lapses, what is left of it), the oldest first. Invariant: _held is their sum.
        self._portions: deque[tuple[float, int]] = deque()
        self._held = 0
        # What was asked for in this second, that began at _since, and in the one before it.
        self._demand = 0
        self._last_demand = 0
        self._since = now
        # What was missing from the allowance when Redis was asked last.
        self._missing = 0.0
        self._at = now
        # Until when there is no use in asking Redis.
        self.dry_until = now

    def spend(self, amount: int, now: float) -> bool:
        """Take all of `amount` from what is held, or nothing."""
        self._lapse(now)
        if self._held < amount:
            return False
        self._held -= amount
        while amount:
            due, left = self._portions.popleft()
            if left > amount:
                self._portions.appendleft((due, left - amount))
            amount -= min(left, amount)
        return True

    def note(self, amount: int, now: float) -> None:
        """Take note of what somebody wants to spend, to know what a portion should be."""
        if now - self._since >= 1.0:
            self._last_demand = self._demand if now - self._since < 2.0 else 0
            self._demand = 0
            self._since = now
        self._demand += amount

    def wishes(self, first: int, waiting: int, now: float) -> tuple[int, int, int]:
        """Return, for those who wait, the least that is of use, what is needed, and what is welcome beyond that.

        :param first: what the first of them wants.
        :param waiting: what all of them want.
        """
        self._lapse(now)
        portion = max(self._demand, self._last_demand) * PORTION
        least = first - self._held
        needed = max(least, min(waiting, self.rate) - self._held)
        return least, needed, int(max(portion, self.rate / LEAST_SHARE))

    def drawn(self, granted: int, needed: int, missing: float, *, asked_at: float, rest: float) -> None:
        """Take in what Redis granted, and ask nothing for a while if that was less than was needed."""
        if granted:
            self._portions.append((asked_at + LIFETIME, granted))
            self._held += granted
        self._missing, self._at = missing, asked_at
        if granted < needed:
            self.dry_until = asked_at + rest

    def told(self, amount: int, *, is_granted: bool, now: float) -> Spent:
        """Return what came of a spending, and how the allowance stands as far as this node knows."""
        missing = max(0.0, self._missing - (now - self._at) * self.rate)
        # What Redis had has filled since it was asked, by our reckoning, and what is held of it is here still: together
        # they may look like more than the whole, or enough for what was just refused. Neither is to be told.
        most = self.rate if is_granted else min(self.rate, amount - 1)
        lacking = min(amount, self.rate / 2) - (self.rate - missing) - self._held
        return Spent(
            is_granted=is_granted,
            remaining=max(0, min(most, int(self.rate - missing) + self._held)),
            wait=0.0 if is_granted else max(lacking / self.rate, self.dry_until - now, 0.0),
            reset=missing / self.rate,
        )

    def is_idle(self, now: float) -> bool:
        """Tell whether it can be forgotten: it holds nothing, and nobody has asked for some seconds."""
        self._lapse(now)
        return not self._held and now - self._since > 10.0

    def _lapse(self, now: float) -> None:
        while self._portions and self._portions[0][0] <= now:
            self._held -= self._portions.popleft()[1]
