"""An allowance that fills evenly, and may be spent at once. Sans-I/O; see :meth:`adapter.base.Adapter.spend`."""

from __future__ import annotations

from adapter.base import Spent


class Bucket:
    """Holds `rate` at most, and gets as much each second. The rate may be another one at each spending."""

    __slots__ = ("_at", "_missing", "_rate")

    def __init__(self) -> None:
        self._rate = 1.0
        # What is missing from a full one, as of _at; above the rate where something is owed.
        self._missing = 0.0
        self._at = 0.0

    def spend(self, amount: int, rate: float, now: float) -> Spent:
        """Take all of `amount`, or nothing."""
        self._fill(now, rate)
        free = rate - self._missing
        # Half of it has to do: a large amount might never be granted beside a stream of small ones.
        needed = min(amount, rate / 2)
        is_granted = free >= needed
        if is_granted:
            self._missing += amount
        return Spent(
            is_granted=is_granted,
            remaining=max(0, int(rate - self._missing)),
            wait=0.0 if is_granted else (needed - free) / rate,
            reset=self._missing / rate,
        )

    def is_full(self, now: float) -> bool:
        self._fill(now, self._rate)
        return not self._missing

    def _fill(self, now: float, rate: float) -> None:
        # With another rate the same part of it is missing: what a high one owes would take a low one for ever.
        self._missing = max(0.0, self._missing * rate / self._rate - (now - self._at) * rate)
        self._at = now
        self._rate = rate
