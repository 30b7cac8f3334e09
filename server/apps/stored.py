"""The applications of a node that keeps them in a store: found at once where they are known, else asked for."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any, assert_never

from server.apps.cache import Cache, Gap
from server.apps.errors import AppUnusable
from server.apps.lookups import UNUSABLE, Lookups, failed
from server.apps.refresh import Refresh

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

    from server.apps.app import App
    from server.apps.options import StoreOptions
    from server.apps.stats import StoreStats
    from server.apps.store import Store

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
        self._stats = stats
        self._on_change = on_change
        self._clock = clock
        self._cache = cache = Cache(unknown_lifetime=options.unknown_lifetime, max_unknown=options.max_unknown)
        self._lookups = Lookups(store, cache, options, stats, on_change=on_change, clock=clock)
        self._refresh = Refresh(store, cache, options, stats, is_in_use=is_in_use, on_change=on_change, clock=clock)

    async def start(self) -> None:
        """Wait until the store answers."""
        await self._refresh.start()

    async def run(self) -> None:
        """Look up and refresh, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._lookups.run())
            tasks.create_task(self._refresh.run())

    def hurry(self) -> None:
        """Read all again now, whatever the store says."""
        self._refresh.hurry()

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
                return self._lookups.ask(key) if _POSSIBLE.fullmatch(key) else None
            case Gap.UNKNOWN:
                return None
            case Gap.UNUSABLE:
                return failed(UNUSABLE)
            case _:
                assert_never(found)

    def by_id(self, id: str) -> App | None:  # noqa: A002 - the protocol's word
        return self._cache.by_id(id)

    async def fetch(self, id: str) -> App | None:  # noqa: A002
        app = self._cache.by_id(id)
        if app is not None:
            return app
        with self._stats.question(self._clock):
            stored = await self._store.fetch([id])
        for found in stored.apps:
            if self._cache.learn_one(found):
                self._on_change()
            return found
        if stored.unusable:
            raise AppUnusable(str(stored.unusable[0].why))
        return None
