"""What a node counts about its store of applications."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from server.apps.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Observer(Protocol):
    """A histogram, as far as it is needed here."""

    def observe(self, value: float, /) -> None:
        """Count one value."""


H = TypeVar("H", bound=Observer)


class StoreStats(Generic[H]):
    """Plain numbers, added to from everywhere."""

    __slots__ = ("cached", "failures", "lookups", "refreshed_at", "refreshes", "seconds", "unusable")

    def __init__(self, seconds: H) -> None:
        # Keys that the store was asked for, by result: found, unknown, unusable, unavailable.
        self.lookups = Counter(found=0, unknown=0, unusable=0, unavailable=0)
        # Questions to the store: how long each took, and those that had no answer.
        self.seconds = seconds
        self.failures = 0
        # Looks at all applications in use, by result: unchanged, changed, failed.
        self.refreshes = Counter(unchanged=0, changed=0, failed=0)
        # When the last one succeeded, by the node's clock; None without a store.
        self.refreshed_at: float | None = None
        # Applications that are stored, but not so that they could be used; of those this node has asked for.
        self.unusable = 0
        self.cached = 0

    @contextmanager
    def question(self, clock: Callable[[], float]) -> Iterator[None]:
        """Count one question to the store, and how long it takes."""
        started = clock()
        try:
            yield
        except StoreUnavailable:
            self.failures += 1
            raise
        finally:
            self.seconds.observe(clock() - started)
