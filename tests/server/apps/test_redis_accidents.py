"""What people and accidents leave in a Redis harms the application that it is about, and no other."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from redis import Redis

from server.apps.errors import StoreUnavailable
from server.apps.opening import open_store
from server.apps.options import StoreOptions
from tests.server.apps.build import an_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from server.apps.store import EditableStore
    from tests.adapter.redis.servers import Server

HASH, IDS, VERSION = "shoal:{apps}:app:1", "shoal:{apps}:ids", "shoal:{apps}:version"


@pytest.fixture
def redis(redis_server: Server) -> Redis:
    redis_server.command("FLUSHALL")
    return Redis.from_url(redis_server.url)


@pytest.fixture
async def store(redis_server: Server, redis: Redis) -> AsyncIterator[EditableStore]:
    """A store with the applications 1 and 2."""
    store = open_store(StoreOptions(redis_server.url, timeout=5.0))
    await store.add(an_app("1"))
    await store.add(an_app("2"))
    yield store
    await store.close()


async def only_the_first_is_unusable(store: EditableStore) -> str:
    """Return why, by whatever it is asked for."""
    found, fetched = await store.find(["key-1", "key-2"]), await store.fetch(["1", "2"])
    assert found.apps == fetched.apps == [an_app("2")]
    # By its key, so that its clients are told to come back, not that there is no such application.
    assert [(item.id, item.key) for item in found.unusable] == [("1", "key-1")]
    assert [item.id for item in fetched.unusable] == ["1"]
    return str(found.unusable[0].why)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("secret", b"\xff\xfe"),
        ("key", b"\xff"),
        ("enabled", "9" * 5_000),
        ("enabled", "[" * 100_000),
        ("max_connections", "1e400"),
        ("allowed_origins", '["\\ud800"]'),
        ("webhooks", '[{"url": "http://user:pass@a.test"}]'),
        ("id", "2"),
    ],
)
async def test_value_that_is_none(store: EditableStore, redis: Redis, field: str, value: str | bytes) -> None:
    redis.hset(HASH, field, value)
    assert (await only_the_first_is_unusable(store)).startswith(field)


async def test_hash_without_a_key(store: EditableStore, redis: Redis) -> None:
    redis.hdel(HASH, "key")
    assert (await only_the_first_is_unusable(store)).startswith("key")


async def test_something_else_in_its_place(store: EditableStore, redis: Redis) -> None:
    redis.delete(HASH)
    redis.set(HASH, "{}")
    assert "no hash" in await only_the_first_is_unusable(store)
    assert [item.id for item in (await store.list()).unusable] == ["1"]


@pytest.mark.parametrize("place", [IDS, VERSION])
async def test_something_else_where_all_are_looked_up_says_nothing_of_any(
    store: EditableStore, redis: Redis, place: str
) -> None:
    redis.delete(place)
    redis.rpush(place, "x")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await store.find(["key-1"])


@asynccontextmanager
async def something_that_is_no_redis(says: bytes) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(says)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"redis://:hush@127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    "says",
    [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"-MOVED 1 x\r\n" * 9, b"%1\r\n*1\r\n:1\r\n:1\r\n" * 9, os.urandom(512)],
    ids=["nothing", "http", "nonsense", "map", "noise"],
)
async def test_what_is_no_redis_is_unavailable_and_no_password_is_told(says: bytes) -> None:
    async with something_that_is_no_redis(says) as url:
        store = open_store(StoreOptions(url, timeout=1.0))
        for question in (store.version(), store.find(["k"]), store.fetch(["1"]), store.list()):
            with pytest.raises(StoreUnavailable) as caught:
                await question
            assert "hush" not in str(caught.value)
        await store.close()
