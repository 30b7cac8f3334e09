"""What every store must do, asked of real ones: Redis, PostgreSQL, MariaDB and SQLite."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from server.apps.errors import StoreError, StoreUnavailable
from server.apps.opening import open_store
from server.apps.options import StoreOptions
from server.apps.stats import StoreStats
from server.apps.stored import StoredApps
from server.metrics import Histogram
from tests.server.apps.build import an_app
from tests.server.apps.tables import documented, execute, insert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from server.apps import App
    from server.apps.store import EditableStore, Store

TIMEOUT = 20.0


@dataclass
class Subject:
    """A store under test, and how an operator would fill it."""

    store: EditableStore
    url: str

    @property
    def is_sql(self) -> bool:
        return not self.url.startswith("redis")

    async def add(self, app: App) -> None:
        if not self.is_sql:
            await self.store.add(app)
            return
        row: dict[str, Any] = {"id": app.id, "key": app.key, "secret": app.secret.get_secret_value()}
        await insert(self.url, row | {"enabled": int(app.enabled), "enable_client_messages": int(app.client_events)})


@pytest.fixture(params=["redis", "sqlite", "postgresql", "mysql"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    kind = request.param
    if kind == "redis":
        server = request.getfixturevalue("redis_server")
        server.command("FLUSHALL")
        url = server.url
    else:
        urls = {"postgresql": "postgresql_server", "mysql": "mariadb_server"}
        url = request.getfixturevalue(urls[kind]).url if kind in urls else f"sqlite:///{tmp_path}/apps.db"
        await execute(url, "DROP TABLE IF EXISTS apps", documented(kind))
    store = open_store(StoreOptions(url, timeout=TIMEOUT))
    yield Subject(store, url)
    await store.close()


async def test_applications_are_found_by_key_and_by_id(subject: Subject) -> None:
    for app_id in "123":
        await subject.add(an_app(app_id, client_events=app_id == "2"))
    by_key = await subject.store.find(["key-1", "key-2", "nobodys"])
    assert sorted(by_key.apps, key=lambda app: app.id) == [an_app("1"), an_app("2", client_events=True)]
    by_id = await subject.store.fetch(["2", "3", "4"])
    assert sorted(by_id.apps, key=lambda app: app.id) == [an_app("2", client_events=True), an_app("3")]
    assert not by_key.unusable
    assert not by_id.unusable


async def test_ten_thousand_who_want_one_application_are_one_lookup(subject: Subject) -> None:
    await subject.add(an_app())
    stats = StoreStats(Histogram())
    options = StoreOptions(subject.url, timeout=TIMEOUT, refresh=3600.0)
    apps = StoredApps(subject.store, options, stats, is_in_use=lambda _: True, on_change=lambda: None)
    await apps.start()
    running = asyncio.create_task(apps.run())
    asked_before = stats.seconds.count
    futures = {apps.by_key("key-1") for _ in range(10_000)}
    (future,) = futures
    assert isinstance(future, asyncio.Future)
    assert await future == an_app()
    assert stats.seconds.count == asked_before + 1
    assert apps.by_key("key-1") == an_app()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_store_that_has_none_of_them_says_so(subject: Subject) -> None:
    await subject.add(an_app())
    assert (await subject.store.find(["nobodys"])).apps == []
    assert (await subject.store.fetch(["nobodys"])).apps == []


@pytest.mark.parametrize("key", ["KEY-1", "key-1 ", "key_1", "k%", "key-1' OR '1'='1"])
async def test_similar_key_is_another_key(subject: Subject, key: str) -> None:
    await subject.add(an_app())
    assert (await subject.store.find([key])).apps == []
    assert (await subject.store.fetch([key])).apps == []


async def test_five_hundred_are_one_answer(subject: Subject) -> None:
    await subject.add(an_app())
    assert (await subject.store.find([f"key-{number}" for number in range(500)])).apps == [an_app()]


async def test_application_is_disabled_and_enabled(subject: Subject) -> None:
    await subject.add(an_app())
    for _ in range(2):
        await subject.store.set_enabled("1", enabled=False)
    assert (await subject.store.fetch(["1"])).apps == [an_app(enabled=False)]
    await subject.store.set_enabled("1", enabled=True)
    assert (await subject.store.fetch(["1"])).apps == [an_app()]


async def test_secret_is_rotated_and_the_rotation_finished(subject: Subject) -> None:
    await subject.add(an_app())
    await subject.store.set_secrets("1", "new", "secret-1")
    (app,) = (await subject.store.find(["key-1"])).apps
    assert app.secrets == (b"new", b"secret-1")
    await subject.store.set_secrets("1", "new", None)
    (app,) = (await subject.store.find(["key-1"])).apps
    assert app.secrets == (b"new",)


async def test_what_is_not_there_cannot_be_changed(subject: Subject) -> None:
    await subject.add(an_app())
    with pytest.raises(StoreError, match="no application '9'"):
        await subject.store.set_enabled("9", enabled=False)
    with pytest.raises(StoreError, match="no application '9'"):
        await subject.store.set_secrets("9", "new", None)


async def test_all_are_listed(subject: Subject) -> None:
    await subject.add(an_app("2"))
    await subject.add(an_app("1", enabled=False))
    assert (await subject.store.list()).apps == [an_app("1", enabled=False), an_app("2")]


async def test_each_change_is_another_version_where_there_are_any(subject: Subject) -> None:
    await subject.add(an_app())
    before = await subject.store.version()
    assert await subject.store.version() == before
    await subject.store.set_enabled("1", enabled=False)
    assert subject.is_sql or await subject.store.version() != before


@pytest.mark.parametrize(("server", "kind"), [("postgresql_server", "postgresql"), ("mariadb_server", "mysql")])
async def test_database_that_hangs_is_given_up_in_time_and_asked_again(
    request: pytest.FixtureRequest, server: str, kind: str
) -> None:
    database = request.getfixturevalue(server)
    await execute(database.url, "DROP TABLE IF EXISTS apps", documented(kind))
    await insert(database.url, {"id": "1", "key": "key-1", "secret": "secret-1"})
    store = open_store(StoreOptions(database.url, timeout=0.5))
    await _until_it_answers(store)
    database.signal(signal.SIGSTOP)
    try:
        for _ in range(3):
            async with asyncio.timeout(TIMEOUT):
                with pytest.raises(StoreUnavailable):
                    await store.find(["key-1"])
    finally:
        database.signal(signal.SIGCONT)
    await _until_it_answers(store)
    await store.close()


async def _until_it_answers(store: Store) -> None:
    async with asyncio.timeout(TIMEOUT):
        while True:
            with suppress(StoreUnavailable):
                assert (await store.find(["key-1"])).apps == [an_app()]
                return


@pytest.mark.parametrize(
    "url", ["redis://:hush@127.0.0.1:1", "postgresql://u:hush@127.0.0.1:1/x", "mysql://u:hush@127.0.0.1:1/x"]
)
async def test_server_that_is_not_there_is_unavailable_and_no_password_is_told(url: str) -> None:
    store = open_store(StoreOptions(url, timeout=TIMEOUT))
    for question in (store.version(), store.find(["k"]), store.fetch(["1"])):
        with pytest.raises(StoreUnavailable) as caught:
            await question
        assert "hush" not in str(caught.value)
    await store.close()
