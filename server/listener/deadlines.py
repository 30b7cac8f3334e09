"""One timer for all who wait equally long.

As everybody gets the same time, the order in which they began to wait is the order in which their time runs out: a
dict in insertion order is the queue. Beginning and ceasing to wait are one dict operation each, and the sweep
touches those whose time is up, however many others wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

T = TypeVar("T")

_SLACK = 0.05
"""How much later than its deadline something may end, as a share of the time given: so that many deadlines, each a
little after the other, are one sweep."""


class Clock(Protocol):
    """What is needed of an event loop."""

    def time(self) -> float: ...
    def call_at(self, when: float, callback: Callable[[], object], /) -> asyncio.TimerHandle: ...


class Deadlines(Generic[T]):
    """Call `on_expired` with each waiter, once, when it has waited for `timeout` seconds."""

    def __init__(self, timeout: float, on_expired: Callable[[T], None], clock: Clock) -> None:
        self._timeout = timeout
        self._on_expired = on_expired
        self._clock = clock
        # Invariant: in order of the times, as whoever starts (again) goes to the end.
        self._since: dict[T, float] = {}
        # None while nobody has waited since the last sweep. It may outlive those it was set for: a sweep that finds
        # nobody costs less than setting it anew whenever somebody ceases to wait.
        self._timer: asyncio.TimerHandle | None = None

    def __contains__(self, waiter: T) -> bool:
        return waiter in self._since

    def start(self, waiter: T) -> None:
        """Begin to wait, or begin again."""
        now = self._clock.time()
        self._since.pop(waiter, None)
        self._since[waiter] = now
        if self._timer is None:
            self._timer = self._clock.call_at(now + self._timeout, self._sweep)

    def stop(self, waiter: T) -> None:
        """Cease to wait; nothing happens to who doesn't wait."""
        self._since.pop(waiter, None)

    def close(self) -> None:
        """Forget everybody."""
        self._since.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        now = self._clock.time()
        expired = self._take_expired(now)
        self._timer = None
        if self._since:
            oldest = next(iter(self._since.values()))
            soonest = now + self._timeout * _SLACK
            self._timer = self._clock.call_at(max(oldest + self._timeout, soonest), self._sweep)
        for waiter in expired:
            self._on_expired(waiter)

    def _take_expired(self, now: float) -> list[T]:
        expired = []
        for waiter, since in self._since.items():
            if since + self._timeout > now:
                break
            expired.append(waiter)
        for waiter in expired:
            del self._since[waiter]
        return expired
