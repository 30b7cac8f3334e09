"""Applications for tests, and a store in memory that can be away, slow, or hold what can't be used."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from server.apps import App
from server.apps.errors import BadRow, StoreUnavailable
from server.apps.store import Stored, Unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


def an_app(id: str = "1", **more: Any) -> App:  # noqa: A002 - the field's name
    return App.model_validate({"id": id, "key": f"key-{id}", "secret": f"secret-{id}"} | more)


class MemoryStore:
    """Fulfils :class:`server.apps.store.Store`."""

    def __init__(self, *apps: App, has_version: bool = False) -> None:
        self.apps = {app.id: app for app in apps}
        self.has_version = has_version
        self.changes = 0
        self.is_away = False
        # Keys of applications that can't be used, by id.
        self.unusable: dict[str, str] = {}
        # What it was asked, in order; versions aside.
        self.questions: list[list[str]] = []
        # While it is clear, questions wait.
        self.answers = asyncio.Event()
        self.answers.set()

    async def find(self, keys: Collection[str]) -> Stored:
        found = [app for app in self.apps.values() if app.key in keys and app.id not in self.unusable]
        return await self._answer(keys, found, [app_id for app_id, key in self.unusable.items() if key in keys])

    async def fetch(self, ids: Collection[str]) -> Stored:
        found = [app for app in self.apps.values() if app.id in ids and app.id not in self.unusable]
        return await self._answer(ids, found, [app_id for app_id in self.unusable if app_id in ids])

    async def version(self) -> str | None:
        if self.is_away:
            raise StoreUnavailable("away")
        return str(self.changes) if self.has_version else None

    async def close(self) -> None:
        self.is_away = True

    async def _answer(self, question: Collection[str], apps: list[App], unusable: list[str]) -> Stored:
        self.questions.append(sorted(question))
        await self.answers.wait()
        if self.is_away:
            raise StoreUnavailable("away")
        why = BadRow("max_connections", "is no number")
        return Stored(tuple(apps), tuple(Unusable(app_id, self.unusable[app_id], why) for app_id in unusable))

    def put(self, app: App) -> None:
        self.apps[app.id] = app
        self.changes += 1

    def remove(self, id: str) -> None:  # noqa: A002 - the field's name
        del self.apps[id]
        self.changes += 1


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until something holds that nobody tells of."""
    async with asyncio.timeout(20.0):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
