"""Keys that a node must ask its store for: whatever many wait for the same, and for others, it is one question.

One task asks. It belongs to no connection or request: those hang on a future that all who want the same key share.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any

from server.apps.cache import Gap
from server.apps.errors import StoreUnavailable
from server.apps.store import BATCH, log_unusable

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Iterable, Iterator

    from server.apps.app import App
    from server.apps.cache import Cache
    from server.apps.options import StoreOptions
    from server.apps.stats import StoreStats
    from server.apps.store import Store, Stored


class Lookups:
    """Asks for keys, and tells the cache what the store said.

    :param on_change: called when an application that was known is another now.
    """

    def __init__(
        self,
        store: Store,
        cache: Cache,
        options: StoreOptions,
        stats: StoreStats[Any],
        *,
        on_change: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._cache = cache
        self._options = options
        self._stats = stats
        self._on_change = on_change
        self._clock = clock
        # Seconds for which the store was waited for up to the question under way, and when that began.
        self._waited = 0.0
        self._began: float | None = None
        # Keys that were asked for, the longest waiting first: how much that was then, and what waits for the answer.
        self._waiting: dict[str, tuple[float, Future[App | None]]] = {}
        self._is_wanted = asyncio.Event()

    def ask(self, key: str) -> Future[App | None]:
        """Return what will be known of a key."""
        waiting = self._waiting.get(key)
        if waiting is not None:
            return waiting[1]
        if len(self._waiting) >= self._options.max_waiting:
            self._stats.lookups["unavailable"] += 1
            return failed(f"{len(self._waiting)} keys are being looked up already")
        future: Future[App | None] = asyncio.get_running_loop().create_future()
        self._waiting[key] = self._waited_by_now, future
        self._is_wanted.set()
        return future

    async def run(self) -> None:
        """Ask for what is wanted, until cancelled."""
        while True:
            await self._is_wanted.wait()
            keys, era = list(islice(self._waiting, BATCH)), self._cache.era
            try:
                stored = await self._find(keys)
            except StoreUnavailable as exc:
                self._give_up(str(exc), self._waiting)
            else:
                self._answer(keys, stored, era)
                self._give_up("the store is too slow", self._too_late())
            if not self._waiting:
                self._is_wanted.clear()

    async def _find(self, keys: list[str]) -> Stored:
        self._began = self._clock()
        try:
            with self._stats.question(self._clock):
                return await self._store.find(keys)
        finally:
            self._waited, self._began = self._waited_by_now, None

    def _answer(self, keys: list[str], stored: Stored, era: int) -> None:
        now, is_outdated = self._clock(), era != self._cache.era
        log_unusable(stored.unusable)
        if self._cache.learn(stored, keys, now=now, is_outdated=is_outdated):
            self._on_change()
        for key in keys:
            found = self._cache.by_key(key, now=now)
            if is_outdated and found is Gap.MISSING:
                # It may have been added since: the next question is for it again.
                continue
            self._settle(self._waiting.pop(key)[1], found)
        self._stats.cached = len(self._cache)

    def _settle(self, future: Future[App | None], found: App | Gap) -> None:
        if found is Gap.UNUSABLE:
            _fail(future, UNUSABLE)
            self._stats.lookups["unusable"] += 1
            return
        app = None if isinstance(found, Gap) else found
        if not future.done():
            future.set_result(app)
        self._stats.lookups["unknown" if app is None else "found"] += 1

    @property
    def _waited_by_now(self) -> float:
        # A question takes no longer than it may: what is above that was this node, standing still.
        under_way = 0.0 if self._began is None else min(self._clock() - self._began, self._options.timeout)
        return self._waited + under_way

    def _too_late(self) -> Iterator[str]:
        """Yield the keys that the store has kept waiting for too long already, while others were asked for."""
        for key, (waited_before, _) in self._waiting.items():
            if self._waited - waited_before <= self._options.timeout:
                return
            yield key

    def _give_up(self, why: str, keys: Iterable[str]) -> None:
        """Tell those who wait for these keys that nobody knows."""
        for key in list(keys):
            _fail(self._waiting.pop(key)[1], why)
            self._stats.lookups["unavailable"] += 1


UNUSABLE = "what is stored of the application can't be used"


def failed(why: str) -> Future[App | None]:
    """Return the answer that nobody can tell."""
    future: Future[App | None] = asyncio.get_running_loop().create_future()
    _fail(future, why)
    return future


def _fail(future: Future[App | None], why: str) -> None:
    if future.done():
        return
    future.set_exception(StoreUnavailable(why))
    # Whoever waited may have gone: that is no reason for the event loop to complain.
    future.exception()
