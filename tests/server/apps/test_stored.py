"""Applications in a store, and how seldom it is asked. Its contract is tested with real ones in test_stores.py."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from server.apps.errors import StoreUnavailable
from server.apps.options import StoreOptions
from server.apps.stats import StoreStats
from server.apps.store import BATCH
from server.apps.stored import StoredApps
from server.metrics import Histogram
from tests.server.apps.build import MemoryStore, an_app, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from server.apps import App

OPTIONS = StoreOptions("", timeout=5.0, refresh=3600.0, unknown_lifetime=3600.0)


class Directory(StoredApps):
    """With what a node would give it, to be looked at."""

    def __init__(self, store: MemoryStore, options: StoreOptions = OPTIONS) -> None:
        self.stats = StoreStats(Histogram())
        self.in_use: set[str] = set()
        self.changed = asyncio.Event()
        self.late_by = 0.0
        super().__init__(
            store,
            options,
            self.stats,
            is_in_use=self.in_use.__contains__,
            on_change=self.changed.set,
            clock=lambda: time.monotonic() + self.late_by,
        )

    async def get(self, key: str) -> App | None:
        found = self.by_key(key)
        return await found if isinstance(found, asyncio.Future) else found

    async def see_change(self) -> None:
        """Read all again, and wait for what that brings."""
        self.changed.clear()
        self.hurry()
        async with asyncio.timeout(20.0):
            await self.changed.wait()


@asynccontextmanager
async def running(store: MemoryStore, options: StoreOptions = OPTIONS) -> AsyncIterator[Directory]:
    directory = Directory(store, options)
    await directory.start()
    task = asyncio.create_task(directory.run())
    try:
        yield directory
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_ten_thousand_who_want_one_key_ask_the_store_once() -> None:
    store = MemoryStore(an_app())
    async with running(store) as directory:
        futures = [directory.by_key("key-1") for _ in range(10_000)]
        assert all(future is futures[0] for future in futures)
        assert await directory.get("key-1") == an_app()
        assert store.questions == [["key-1"]]
        assert directory.by_key("key-1") == an_app(), "from now on it is known at once"


async def test_those_who_come_while_it_is_being_asked_for_wait_for_the_same_answer() -> None:
    store = MemoryStore(an_app())
    store.answers.clear()
    async with running(store) as directory:
        first = asyncio.create_task(directory.get("key-1"))
        await eventually(lambda: store.questions)
        others = [asyncio.create_task(directory.get("key-1")) for _ in range(100)]
        await asyncio.sleep(0)
        store.answers.set()
        assert await asyncio.gather(first, *others) == [an_app()] * 101
        assert store.questions == [["key-1"]]


async def test_many_keys_are_one_question() -> None:
    store = MemoryStore(*[an_app(str(number)) for number in range(100)])
    async with running(store) as directory:
        found = await asyncio.gather(*[directory.get(f"key-{number}") for number in range(200)])
        assert sum(app is not None for app in found) == 100
        assert len(store.questions) == 1
        assert directory.stats.lookups == Counter({"found": 100, "unknown": 100})


async def test_no_question_is_longer_than_databases_like() -> None:
    store = MemoryStore()
    async with running(store) as directory:
        await asyncio.gather(*[directory.get(f"key-{number}") for number in range(BATCH * 2 + 1)])
        assert [len(question) for question in store.questions] == [BATCH, BATCH, 1]


async def test_unknown_key_is_asked_for_once() -> None:
    store = MemoryStore()
    async with running(store) as directory:
        assert await directory.get("nobodys") is None
        assert directory.by_key("nobodys") is None
        assert store.questions == [["nobodys"]]


@pytest.mark.parametrize("key", ["", "a b", "ключ", "a\0b", "a'", "k" * 256])
async def test_key_that_none_could_have_is_unknown_without_asking(key: str) -> None:
    store = MemoryStore()
    async with running(store) as directory:
        assert directory.by_key(key) is None
        assert store.questions == []


async def test_while_the_store_is_away_known_ones_go_on_and_others_are_not_called_unknown() -> None:
    store = MemoryStore(an_app("1"), an_app("2"))
    async with running(store) as directory:
        await directory.get("key-1")
        store.is_away = True
        assert directory.by_key("key-1") == an_app("1")
        with pytest.raises(StoreUnavailable):
            await directory.get("key-2")
        with pytest.raises(StoreUnavailable):
            await directory.fetch("2")
        assert directory.stats.lookups["unavailable"] == 1
        assert directory.stats.failures == 2
        store.is_away = False
        assert await directory.get("key-2") == an_app("2")


async def test_no_more_keys_wait_than_there_is_room_for() -> None:
    store = MemoryStore()
    store.answers.clear()
    async with running(store, replace(OPTIONS, max_waiting=3)) as directory:
        waiting = [directory.by_key(f"key-{number}") for number in range(3)]
        with pytest.raises(StoreUnavailable):
            await directory.get("key-3")
        store.answers.set()
        assert await asyncio.gather(*[f for f in waiting if isinstance(f, asyncio.Future)]) == [None] * 3


async def test_whom_the_store_keeps_waiting_for_two_answers_is_told_to_come_back() -> None:
    store = MemoryStore(*(an_app(str(number)) for number in range(BATCH + 2)))
    store.answers.clear()
    async with running(store) as directory:
        first = asyncio.create_task(directory.get("key-0"))
        await eventually(lambda: store.questions)
        others = [asyncio.create_task(directory.get(f"key-{number}")) for number in range(1, BATCH + 2)]
        await asyncio.sleep(0)
        for question in (2, 3):
            directory.late_by += OPTIONS.timeout * 0.6
            # One answer.
            store.answers.set()
            store.answers.clear()
            await eventually(lambda: len(store.questions) == question or others[-1].done())  # noqa: B023
        assert await first == an_app("0")
        assert await asyncio.gather(*others[:-1]) == [an_app(str(number)) for number in range(1, BATCH + 1)]
        with pytest.raises(StoreUnavailable):
            await others[-1]


async def test_a_node_that_stood_still_asks_for_all_that_it_was_asked_for() -> None:
    apps = [an_app(str(number)) for number in range(3 * BATCH)]
    async with running(MemoryStore(*apps)) as directory:
        waiting = [found for app in apps if isinstance(found := directory.by_key(app.key), asyncio.Future)]
        directory.late_by += OPTIONS.timeout * 10
        assert await asyncio.gather(*waiting) == apps


async def test_standing_still_in_the_middle_of_a_question_is_no_reason_to_give_up_the_next() -> None:
    store = MemoryStore(an_app("1"), an_app("2"))
    store.answers.clear()
    async with running(store) as directory:
        first = asyncio.create_task(directory.get("key-1"))
        await eventually(lambda: store.questions)
        second = asyncio.create_task(directory.get("key-2"))
        await asyncio.sleep(0)
        directory.late_by += OPTIONS.timeout * 10
        store.answers.set()
        assert [await first, await second] == [an_app("1"), an_app("2")]


async def test_changes_come_by_the_next_refresh() -> None:
    store = MemoryStore(an_app("1"), an_app("2"))
    async with running(store) as directory:
        await asyncio.gather(directory.get("key-1"), directory.get("key-2"))
        store.put(an_app("1", enabled=False))
        await directory.see_change()
        assert directory.by_key("key-1") == an_app("1", enabled=False)
        assert store.questions[1:] == [["1", "2"]], "all that is known is one question"


async def test_deleted_application_is_looked_at_twice() -> None:
    store = MemoryStore(an_app())
    async with running(store) as directory:
        await directory.get("key-1")
        store.remove("1")
        await directory.see_change()
        assert directory.by_id("1") is None
        assert store.questions[1:] == [["1"], ["1"]]


async def test_unchanged_store_that_can_tell_is_not_read_again() -> None:
    store = MemoryStore(an_app(), has_version=True)
    async with running(store, StoreOptions("", refresh=0.01)) as directory:
        await directory.get("key-1")
        await eventually(lambda: directory.stats.refreshes["unchanged"] >= 5)
        assert len(store.questions) <= 2, "the key, and the first refresh"
        store.put(an_app(enabled=False))
        async with asyncio.timeout(20.0):
            await directory.changed.wait()
        assert directory.by_id("1") == an_app(enabled=False)


async def test_added_application_is_known_at_once_where_the_store_tells_of_changes() -> None:
    store = MemoryStore(has_version=True)
    async with running(store, StoreOptions("", refresh=0.01, unknown_lifetime=3600.0)) as directory:
        assert await directory.get("key-1") is None
        store.put(an_app())
        await eventually(lambda: directory.by_key("key-1") is not None)
        assert await directory.get("key-1") == an_app()


async def test_added_while_it_was_being_asked_for_it_is_asked_for_again() -> None:
    store = MemoryStore(has_version=True)
    async with running(store, StoreOptions("", refresh=0.01, unknown_lifetime=3600.0)) as directory:
        store.answers.clear()
        asking = asyncio.create_task(directory.get("key-1"))
        await eventually(lambda: store.questions)
        store.put(an_app())
        # The change is seen before the answer from before it is there.
        seen = directory.stats.refreshes["unchanged"]
        await eventually(lambda: directory.stats.refreshes["unchanged"] > seen + 2)
        store.answers.set()
        assert await asking == an_app()
        assert store.questions[:2] == [["key-1"], ["key-1"]]


async def test_who_hurries_a_refresh_that_is_under_way_has_all_read_once_more() -> None:
    store = MemoryStore(an_app(), has_version=True)
    async with running(store) as directory:
        await directory.get("key-1")
        store.answers.clear()
        directory.hurry()
        await eventually(lambda: store.questions[1:] == [["1"]])
        # Changed without saying so, as by hand; the refresh has read it already.
        store.apps["1"] = an_app(enabled=False)
        directory.hurry()
        store.answers.set()
        async with asyncio.timeout(20.0):
            await directory.changed.wait()
        assert directory.by_id("1") == an_app(enabled=False)


async def test_each_application_that_becomes_unusable_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore(an_app("1"), an_app("2"))
    async with running(store, StoreOptions("", refresh=0.01)) as directory:
        await asyncio.gather(directory.get("key-1"), directory.get("key-2"))
        for bad in ("1", "2"):
            # As many as before: the one was mended while the other was spoilt.
            store.unusable = {bad: f"key-{bad}"}
            store.questions.clear()
            await eventually(lambda: len(store.questions) > 2)
    assert [record.getMessage().split()[1] for record in caplog.records] == ["'1'", "'2'"]


async def test_unusable_application_is_refused_alone_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore(an_app("1"), an_app("2"))
    store.unusable["1"] = "key-1"
    async with running(store) as directory:
        with pytest.raises(StoreUnavailable):
            await directory.get("key-1")
        with pytest.raises(StoreUnavailable):
            await directory.get("key-1")
        assert await directory.get("key-2") == an_app("2")
        assert directory.stats.lookups == Counter({"unusable": 1, "found": 1})
    assert "max_connections" in caplog.text


async def test_unused_application_is_forgotten_but_not_one_with_connections() -> None:
    store = MemoryStore(an_app("1"), an_app("2"))
    async with running(store, StoreOptions("", refresh=0.01, lifetime=0.02)) as directory:
        directory.in_use.add("1")
        await asyncio.gather(directory.get("key-1"), directory.get("key-2"))
        await eventually(lambda: directory.by_id("2") is None)
        assert directory.by_id("1") is not None


async def test_node_waits_for_a_store_that_is_away_when_it_starts() -> None:
    store = MemoryStore()
    store.is_away = True
    starting = asyncio.create_task(Directory(store).start())
    await asyncio.sleep(0.02)
    assert not starting.done()
    store.is_away = False
    async with asyncio.timeout(20.0):
        await starting


async def test_one_asked_for_by_its_id_is_known_afterwards() -> None:
    store = MemoryStore(an_app())
    async with running(store) as directory:
        assert await directory.fetch("1") == an_app()
        assert await directory.fetch("1") == an_app()
        assert await directory.fetch("2") is None
        assert store.questions == [["1"], ["2"]]
