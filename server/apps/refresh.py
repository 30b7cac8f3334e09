"""What a node knows of its store's applications, read again every few seconds: one task, whatever many there are."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any

from server.apps.errors import StoreUnavailable
from server.apps.store import BATCH, log_unusable

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.apps.cache import Cache
    from server.apps.options import StoreOptions
    from server.apps.stats import StoreStats
    from server.apps.store import Store, Unusable

logger = logging.getLogger(__name__)

RELOOK = 1.0
"""Seconds after which a refresh is repeated that has missed an application."""
FULL_EVERY = 60.0
"""Seconds after which all is read again even where the store says that nothing has changed: people forget to say so."""
MAX_BACKOFF = 5.0


class Refresh:
    """Keeps a cache as its store is.

    :param is_in_use: tells whether an application has open connections here.
    :param on_change: called when applications have changed that may have some.
    """

    def __init__(
        self,
        store: Store,
        cache: Cache,
        options: StoreOptions,
        stats: StoreStats[Any],
        *,
        is_in_use: Callable[[str], bool],
        on_change: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._cache = cache
        self._options = options
        self._stats = stats
        self._is_in_use = is_in_use
        self._on_change = on_change
        self._clock = clock
        # Set to have all read again at once.
        self._is_hurried = asyncio.Event()
        # The store's as of the last refresh, None where all has to be read; and when all was read.
        self._version: str | None = None
        self._read_at = self._forgotten_at = clock()
        # Ids of those that could not be used then.
        self._unusable: frozenset[str] = frozenset()
        self._is_away = False

    async def start(self) -> None:
        """Wait until the store answers."""
        backoff = 0.1
        while not await self._refresh():
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))
            backoff = min(backoff * 2, MAX_BACKOFF)

    def hurry(self) -> None:
        """Read all again now, whatever the store says; where that is being done, once more."""
        self._cache.forget_unknown()
        self._is_hurried.set()

    async def run(self) -> None:
        """Read again, until cancelled."""
        while True:
            wait = RELOOK if self._cache.has_absent else self._options.refresh
            try:
                async with asyncio.timeout(wait * random.uniform(0.9, 1.1)):
                    await self._is_hurried.wait()
            except TimeoutError:
                pass
            if self._is_hurried.is_set():
                # Only here, and not when somebody hurries: a refresh under way would note its version after that.
                self._is_hurried.clear()
                self._version = None
            await self._refresh()
            self._forget_unused()

    async def _refresh(self) -> bool:
        """Read again what is known; tell whether the store answered."""
        try:
            result = await self._read_again()
        except StoreUnavailable as exc:
            self._stats.refreshes["failed"] += 1
            if not self._is_away:
                known = len(self._cache)
                meanwhile = f"the {known} known here go on" if known else "none is known here yet, so it is waited for"
                logger.warning("store of applications unavailable, %s: %s", meanwhile, exc)
            self._is_away = True
            return False
        if self._is_away:
            logger.info("store of applications available again")
        self._is_away = False
        self._stats.refreshes[result] += 1
        self._stats.refreshed_at = self._clock()
        self._stats.cached = len(self._cache)
        return True

    async def _read_again(self) -> str:
        now = self._clock()
        # Before the applications: what changes in between is seen the next time.
        with self._stats.question(self._clock):
            version = await self._store.version()
        is_same = version is not None and version == self._version
        if is_same and not self._cache.has_absent and now - self._read_at < FULL_EVERY:
            return "unchanged"
        has_changed = await self._read_known()
        if not is_same and version is not None:
            self._cache.forget_unknown()
        self._version, self._read_at = version, now
        if has_changed:
            self._on_change()
        return "changed" if has_changed else "unchanged"

    async def _read_known(self) -> bool:
        ids, has_changed = self._cache.ids, False
        unusable: dict[str, Unusable] = {}
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            with self._stats.question(self._clock):
                stored = await self._store.fetch(batch)
            unusable |= {item.id: item for item in stored.unusable}
            has_changed |= self._cache.refresh(stored, batch)
        log_unusable(item for app_id, item in unusable.items() if app_id not in self._unusable)
        self._unusable = frozenset(unusable)
        self._stats.unusable = len(unusable)
        return has_changed

    def _forget_unused(self) -> None:
        # While the store is away nothing could be learnt again.
        if not self._is_away and self._clock() - self._forgotten_at >= self._options.lifetime:
            self._forgotten_at = self._clock()
            self._cache.forget_unused(self._is_in_use)
            self._stats.cached = len(self._cache)
