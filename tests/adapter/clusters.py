"""Clusters of adapters to hold the contract against: what differs between them, so that the tests need not know."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from adapter.base import Entry, topic_of
from adapter.local import LocalAdapter
from adapter.outbox import OutboxOptions
from adapter.redis import RedisAdapter, RedisOptions
from tests.adapter.redis.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Self

    from adapter.base import Adapter, Topic

Found = TypeVar("Found")

ROOM = topic_of("app", "presence-room")
"""The topic that is worth watching."""
PATIENCE = 20.0
"""Seconds until what a test waits for is hopeless."""

OUTBOX = OutboxOptions(debounce=1.0, interval=2.0)
"""Shorter times than usual."""
MARK = b"mark "
"""Begins messages that tests publish for themselves, to see how far a node has come."""


@dataclass
class Node:
    """A node's adapter, and what it was told."""

    adapter: Adapter
    recorder: Recorder

    async def told(self, topic: Topic, *, by: Node) -> list[tuple[object, ...]]:
        """Return all that this node, which watches the topic, was told by what the other did so far."""
        mark = MARK + secrets.token_bytes(8)
        await by.adapter.publish(topic, mark)
        await self.recorder.wait_until(lambda: mark in self.recorder.payloads(topic), seconds=PATIENCE)
        items = [item for item in self.recorder.told if item[1] == topic]
        end = next(index for index, item in enumerate(items) if item[0] == "message" and item[3] == mark)
        return [item for item in items[:end] if not _is_mark(item)]


def _is_mark(item: tuple[object, ...]) -> bool:
    return item[0] == "message" and isinstance(item[3], bytes) and item[3].startswith(MARK)


class Cluster(Protocol):
    """Nodes that share their state."""

    # Two nodes or, where there can only be one, the same twice.
    here: Node
    there: Node

    async def wait(self, seconds: float) -> None:
        """Let time pass for the cluster."""

    def now(self) -> float:
        """Return the seconds that have passed for the cluster since some moment."""


class LocalCluster:
    """A node that is alone; its time passes when the test says so."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._adapter = LocalAdapter(outbox=OUTBOX, clock=lambda: self._now)
        self.here = self.there = Node(self._adapter, Recorder())

    async def __aenter__(self) -> Self:
        await self._adapter.start(self.here.recorder)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._adapter.stop()

    async def wait(self, seconds: float) -> None:
        self._now += seconds
        self._adapter.lapse()

    def now(self) -> float:
        return self._now


class RedisCluster:
    """Two nodes on one server, with keys of their own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._prefix = f"contract-{secrets.token_hex(4)}"
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.here, self.there = await self._start(), await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self) -> Node:
        node = Node(
            RedisAdapter([self._url], RedisOptions(prefix=self._prefix, patience=PATIENCE, outbox=OUTBOX)), Recorder()
        )
        await node.adapter.start(node.recorder)
        self._stack.push_async_callback(node.adapter.stop)
        return node

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def now(self) -> float:
        return asyncio.get_running_loop().time()


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it is so."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - who keeps the state doesn't tell
            await asyncio.sleep(0.01)


async def in_one_go(cluster: Cluster, attempt: Callable[[str], Awaitable[Found]], *, within: float) -> Found:
    """Return what an attempt has found that took less than `within` seconds: it is about what comes soon after another.

    :param attempt: is given the id of an application of its own.
    """
    for number in range(20):
        began = cluster.now()
        found = await attempt(f"app-{number}")
        if cluster.now() - began < within:
            return found
    raise AssertionError(f"this machine can't do in {within} s what is to be tried")


async def enter(node: Node, topic: Topic = ROOM, user: str | None = "u", info: bytes = b"{}") -> Entry:
    """Watch and enter, as a hub does."""
    node.adapter.watch(topic)
    entry = await node.adapter.enter(topic, user, info)
    assert isinstance(entry, Entry)
    return entry


def kinds(told: list[tuple[object, ...]]) -> list[object]:
    return [item[0] for item in told]


def users(told: list[tuple[object, ...]]) -> list[tuple[object, object]]:
    """Return who joined and left."""
    return [(item[0], item[3]) for item in told if item[0] in ("joined", "left")]


def positions(told: list[tuple[object, ...]]) -> list[int]:
    return [item[2] for item in told if isinstance(item[2], int)]
