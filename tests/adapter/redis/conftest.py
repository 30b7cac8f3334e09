"""Servers, and nodes on them."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from adapter.redis import RedisAdapter, RedisOptions
from tests.adapter.redis.recorder import Recorder
from tests.adapter.redis.servers import Server, binary_of, running, valkey_binary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator


@pytest.fixture(scope="session", params=["valkey", "redis"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that all tests share: each has keys of its own."""
    with running(binary_of(request.param), tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the test may harm."""
    with running(valkey_binary(), tmp_path_factory.mktemp("own")) as server:
        yield server


@pytest.fixture
def prefix() -> str:
    return f"test-{secrets.token_hex(4)}"


@dataclass
class Node:
    """A node's adapter, and what it was told."""

    adapter: RedisAdapter
    recorder: Recorder


@asynccontextmanager
async def a_node(url: str, options: RedisOptions) -> AsyncIterator[Node]:
    """Run a node's adapter for a while."""
    node = Node(RedisAdapter([url], options), Recorder())
    await node.adapter.start(node.recorder)
    try:
        yield node
    finally:
        await node.adapter.stop()


@pytest.fixture
async def start(prefix: str) -> AsyncIterator[Callable[..., Awaitable[Node]]]:
    """Starts nodes of one cluster, by the URL of its server; they stop with the test."""
    async with AsyncExitStack() as stack:

        async def start_one(url: str, *, patience: float = 20.0) -> Node:
            options = RedisOptions(
                prefix=prefix, patience=patience, answer_timeout=1.0, connect_timeout=1.0, sign_off_timeout=1.0
            )
            return await stack.enter_async_context(a_node(url, options))

        yield start_one
