"""The applications of a node that keeps them in a store: found at once where they are known, else asked for.

One task asks for what is missing, whatever many wait for, in one question; another reads again what is known. Neither
belongs to a connection or a request: those hang on a future that all who want the same key share.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, assert_never

from server.apps.cache import Cache, Gap
from server.apps.errors import StoreUnavailable

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Iterator

    from server.apps.app import App
    from server.apps.options import StoreOptions
    from server.apps.stats import StoreStats
    from server.apps.store import Store, Stored

logger = logging.getLogger(__name__)

BATCH = 500
"""Applications that one question asks for: databases have bounds on the length of a list."""
RELOOK = 1.0
"""Seconds after which a refresh is repeated that has missed an application."""
FULL_EVERY = 60.0
"""Seconds after which all is read again even where the store says that nothing has changed: people forget to say so."""
MAX_BACKOFF = 5.0
_POSSIBLE = re.compile(r"[-a-zA-Z0-9_]{1,255}")


class StoredApps:
    """Fulfils :class:`server.apps.Directory`.

    :param is_in_use: tells whether an application has open connections here.
    :param on_change: called when applications have changed that may have some.
    """

    def __init__(
        self,
        store: Store,
        options: StoreOptions,
        stats: StoreStats[Any],
        *,
        is_in_use: Callable[[str], bool],
        on_change: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._options = options
        self._stats = stats
        self._is_in_use = is_in_use
        self._on_change = on_change
        self._clock = clock
        self._cache = Cache(unknown_lifetime=options.unknown_lifetime, max_unknown=options.max_unknown)
        # Keys that were asked for, the longest waiting first: since when, and what those who want it wait for.
        self._waiting: dict[str, tuple[float, Future[App | None]]] = {}
        self._is_wanted = asyncio.Event()
        # Set to have all read again at once.
        self._is_hurried = asyncio.Event()
        # The store's as of the last refresh, and when all was read.
        self._version: str | None = None
        self._read_at = self._forgotten_at = clock()
        self._is_away = False

    # Directory

    @property
    def has_all(self) -> bool:
        return False

    def by_key(self, key: str) -> App | Future[App | None] | None:
        found = self._cache.by_key(key, now=self._clock())
        if not isinstance(found, Gap):
            return found
        match found:
            case Gap.MISSING:
                # What no application could have must not become part of a question: databases stumble over such texts.
                return self._ask(key) if _POSSIBLE.fullmatch(key) else None
            case Gap.UNKNOWN:
                return None
            case Gap.UNUSABLE:
                return _failed("what is stored of the application can't be used")
            case _:
                assert_never(found)

    def by_id(self, id: str) -> App | None:  # noqa: A002 - the protocol's word
        return self._cache.by_id(id)

    async def fetch(self, id: str) -> App | None:  # noqa: A002
        app = self._cache.by_id(id)
        if app is not None:
            return app
        with self._timed():
            stored = await self._store.fetch([id])
        for found in stored.apps:
            if self._cache.learn_one(found):
                self._on_change()
            return found
        if stored.unusable:
            raise StoreUnavailable(str(stored.unusable[0].why))
        return None

    def _ask(self, key: str) -> Future[App | None]:
        waiting = self._waiting.get(key)
        if waiting is not None:
            return waiting[1]
        if len(self._waiting) >= self._options.max_waiting:
            self._stats.lookups["unavailable"] += 1
            return _failed(f"{len(self._waiting)} keys are being looked up already")
        future: Future[App | None] = asyncio.get_running_loop().create_future()
        self._waiting[key] = self._clock(), future
        self._is_wanted.set()
        return future

    # Running

    async def start(self) -> None:
        """Wait until the store answers."""
        backoff = 0.1
        while not await self._refresh():
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))
            backoff = min(backoff * 2, MAX_BACKOFF)

    async def run(self) -> None:
        """Look up and refresh, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look_up_what_is_wanted())
            tasks.create_task(self._keep_fresh())

    def hurry(self) -> None:
        """Read all again now, whatever the store says."""
        self._version = None
        self._cache.forget_unknown()
        self._is_hurried.set()

    # Looking up

    async def _look_up_what_is_wanted(self) -> None:
        while True:
            await self._is_wanted.wait()
            keys = list(islice(self._waiting, BATCH))
            try:
                with self._timed():
                    stored = await self._store.find(keys)
            except StoreUnavailable as exc:
                self._give_up(str(exc), asked_before=self._clock())
            else:
                self._answer(keys, stored)
                self._give_up("the store is too slow", asked_before=self._clock() - self._options.timeout)
            if not self._waiting:
                self._is_wanted.clear()

    def _answer(self, keys: list[str], stored: Stored) -> None:
        now = self._clock()
        _log_unusable(stored)
        if self._cache.learn(stored, keys, now=now):
            self._on_change()
        for key in keys:
            _, future = self._waiting.pop(key)
            found = self._cache.by_key(key, now=now)
            if found is Gap.UNUSABLE:
                _fail(future, "what is stored of the application can't be used")
            elif not future.done():
                future.set_result(None if isinstance(found, Gap) else found)
            self._stats.lookups[found.value if isinstance(found, Gap) else "found"] += 1
        self._stats.cached = len(self._cache)

    def _give_up(self, why: str, *, asked_before: float) -> None:
        """Tell those who have waited for long enough that nobody knows."""
        for key, (since, future) in list(self._waiting.items()):
            if since > asked_before:
                return
            del self._waiting[key]
            _fail(future, why)
            self._stats.lookups["unavailable"] += 1

    # Refreshing

    async def _keep_fresh(self) -> None:
        while True:
            wait = RELOOK if self._cache.has_absent else self._options.refresh
            try:
                async with asyncio.timeout(wait * random.uniform(0.9, 1.1)):
                    await self._is_hurried.wait()
            except TimeoutError:
                pass
            self._is_hurried.clear()
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
                logger.warning("store of applications unavailable, the %d known here go on: %s", known, exc)
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
        with self._timed():
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
        ids, has_changed, unusable = self._cache.ids, False, 0
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            with self._timed():
                stored = await self._store.fetch(batch)
            unusable += len(stored.unusable)
            if len(stored.unusable) > self._stats.unusable:
                _log_unusable(stored)
            has_changed |= self._cache.refresh(stored, batch)
        self._stats.unusable = unusable
        return has_changed

    def _forget_unused(self) -> None:
        # While the store is away nothing could be learnt again.
        if not self._is_away and self._clock() - self._forgotten_at >= self._options.lifetime:
            self._forgotten_at = self._clock()
            self._cache.forget_unused(self._is_in_use)
            self._stats.cached = len(self._cache)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Count one question to the store."""
        started = self._clock()
        try:
            yield
        except StoreUnavailable:
            self._stats.failures += 1
            raise
        finally:
            self._stats.seconds.observe(self._clock() - started)


def _failed(why: str) -> Future[App | None]:
    future: Future[App | None] = asyncio.get_running_loop().create_future()
    _fail(future, why)
    return future


def _fail(future: Future[App | None], why: str) -> None:
    if future.done():
        return
    future.set_exception(StoreUnavailable(why))
    # Whoever waited may have gone: that is no reason for the event loop to complain.
    future.exception()


def _log_unusable(stored: Stored) -> None:
    for item in stored.unusable:
        logger.error("application %r can't be used as it is stored: %s", item.id, item.why)
