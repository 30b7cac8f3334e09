"""An adapter every step of which is the test's to take, as if the cluster were far away.

Three roads lead to it and back; how they interleave is left to whoever drives it:

    calls       of one topic take effect in the order in which they were made
    callbacks   of one topic come in the order of their positions
    answers     come in any order
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from adapter.base import Entry, Full
from adapter.errors import Unavailable

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Sequence

    from adapter.base import NodeInfo, Occupancy, Receiver, Remembered, Spent, Topic
    from adapter.local import LocalAdapter
    from adapter.plain_numbers import ClusterNumbers


@dataclass(eq=False)
class Enter:
    """One call of ``enter``, and what became of it."""

    topic: Topic
    user: str | None
    answer: Entry | Full | None = None
    """None until it has taken effect."""
    before: int = 0
    """How many messages had been published to the topic when it took effect."""


@dataclass(frozen=True)
class Published:
    """One message that a topic's watchers are to be told of."""

    payload: bytes
    sender: str


@dataclass(frozen=True)
class Callback:
    """Something that the node is to be told."""

    run: Callable[[], None]
    number: int | None = None
    """Which of the topic's messages it brings; None if it brings none."""


class SlowAdapter:
    """Holds back whatever goes to a :class:`LocalAdapter` and comes from it. Fulfils :class:`adapter.base.Adapter`."""

    def __init__(self, inner: LocalAdapter) -> None:
        self.inner = inner
        self.outbox = inner.outbox
        # Whether it goes on to call back about topics that are no longer watched, as every adapter may.
        self.is_lazy = False
        # Whether the shared state can't be read.
        self.is_away = False
        self.calls: dict[Topic, deque[Callable[[], None]]] = defaultdict(deque)
        self.callbacks: dict[Topic, deque[Callback]] = defaultdict(deque)
        self.answers: list[Callable[[], None]] = []
        # For tests to compare with: everything that has been published, entered and is watched, by the node's account.
        self.published: dict[Topic, list[Published]] = defaultdict(list)
        self.enters: list[Enter] = []
        self.watched: set[Topic] = set()

    async def start(self, receiver: Receiver) -> None:
        self._loop = asyncio.get_running_loop()
        await self.inner.start(_HeldBack(receiver, self))

    async def stop(self) -> None:
        await self.inner.stop()

    # Steps

    @property
    def is_idle(self) -> bool:
        return not (any(self.calls.values()) or any(self.callbacks.values()) or self.answers)

    def perform(self, topic: Topic) -> None:
        """Let the oldest call for a topic take effect."""
        self.calls[topic].popleft()()

    def call_back(self, topic: Topic) -> None:
        """Let the oldest callback of a topic come."""
        self.callbacks[topic].popleft().run()

    def answer(self, index: int) -> None:
        """Let one of the answers come."""
        self.answers.pop(index)()

    def publish_now(self, topic: Topic, payload: bytes, *, sender: str = "", remember: float = 0.0) -> None:
        """Publish as another node would: without a place in the line of this node's calls."""
        self.published[topic].append(Published(payload, sender))
        self.inner.publish(topic, payload, sender=sender, remember=remember)

    # What the node asks

    def publish(
        self, topic: Topic, payload: bytes, *, sender: str = "", remember: float = 0.0, once: str = ""
    ) -> Future[None]:
        future: Future[None] = self._loop.create_future()

        def perform() -> None:
            self.publish_now(topic, payload, sender=sender, remember=remember)
            self.answers.append(partial(_resolve, future, None))

        self.calls[topic].append(perform)
        return future

    def enter(
        self, topic: Topic, user: str | None = None, info: bytes = b"", *, limit: int | None = None
    ) -> Future[Entry | Full]:
        future: Future[Entry | Full] = self._loop.create_future()
        enter = Enter(topic, user)
        self.enters.append(enter)

        def perform() -> None:
            answer = self.inner.enter(topic, user, info, limit=limit).result()
            # The members are a view: they move on while the answer is on its way.
            enter.answer = replace(answer, members=dict(answer.members)) if isinstance(answer, Entry) else answer
            enter.before = len(self.published[topic])
            self.answers.append(partial(_resolve, future, enter.answer))

        self.calls[topic].append(perform)
        return future

    def watch(self, topic: Topic) -> None:
        self.watched.add(topic)
        self.calls[topic].append(partial(self.inner.watch, topic))

    def unwatch(self, topic: Topic) -> None:
        self.watched.remove(topic)
        if not self.is_lazy:
            self.calls[topic].append(partial(self.inner.unwatch, topic))

    def leave(self, topic: Topic, user: str | None = None, *, hold: float = 0.0) -> None:
        self.calls[topic].append(partial(self.inner.leave, topic, user, hold=hold))

    def count(self, topic: Topic, subscriptions: int, *, announce: bool = False) -> None:
        self.calls[topic].append(partial(self.inner.count, topic, subscriptions, announce=announce))

    def terminate(self, topic: Topic) -> Future[None]:
        future: Future[None] = self._loop.create_future()

        def perform() -> None:
            self.inner.terminate(topic)
            self.answers.append(partial(_resolve, future, None))

        self.calls[topic].append(perform)
        return future

    async def describe(self, topics: Sequence[Topic]) -> list[Occupancy]:
        if self.is_away:
            raise Unavailable("away", retry_after=0.0)
        for topic in topics:
            await self._turn(topic)
        return await self.inner.describe(topics)

    async def _turn(self, topic: Topic) -> None:
        """Wait until all calls that were made for a topic have taken effect."""
        future: Future[None] = self._loop.create_future()
        self.calls[topic].append(partial(_resolve, future, None))
        await future

    # What isn't held back

    def declare(self, state: str, connections: int, *, is_leaving: bool = False) -> None:
        self.inner.declare(state, connections, is_leaving=is_leaving)

    async def nodes(self) -> list[NodeInfo]:
        return await self.inner.nodes()

    def numbers(self) -> ClusterNumbers:
        return self.inner.numbers()

    def admit(self, app_id: str, limit: int | None) -> Future[bool]:
        return self.inner.admit(app_id, limit)

    def discharge(self, app_id: str) -> None:
        self.inner.discharge(app_id)

    def spend(self, app_id: str, what: str, amount: int, rate: int) -> Future[Spent]:
        return self.inner.spend(app_id, what, amount, rate)

    async def occupied_topics(self, app_id: str, prefix: str = "") -> dict[str, Occupancy]:
        return await self.inner.occupied_topics(app_id, prefix)

    async def members(self, topic: Topic) -> list[str]:
        return await self.inner.members(topic)

    async def remembered(self, topic: Topic) -> Remembered | None:
        return await self.inner.remembered(topic)


class _HeldBack:
    """A receiver that puts in line what is for another."""

    def __init__(self, receiver: Receiver, adapter: SlowAdapter) -> None:
        self._receiver = receiver
        self._adapter = adapter

    def message(self, topic: Topic, position: int, payload: bytes, sender: str) -> None:
        run = partial(self._receiver.message, topic, position, payload, sender)
        number = len(self._adapter.published[topic]) - 1
        self._adapter.callbacks[topic].append(Callback(run, number))

    def joined(self, topic: Topic, position: int, user: str, info: bytes) -> None:
        self._hold(topic, partial(self._receiver.joined, topic, position, user, info))

    def left(self, topic: Topic, position: int, user: str) -> None:
        self._hold(topic, partial(self._receiver.left, topic, position, user))

    def occupied(self, topic: Topic, position: int) -> None:
        self._hold(topic, partial(self._receiver.occupied, topic, position))

    def vacated(self, topic: Topic, position: int) -> None:
        self._hold(topic, partial(self._receiver.vacated, topic, position))

    def counted(self, topic: Topic, total: int) -> None:
        self._hold(topic, partial(self._receiver.counted, topic, total))

    def terminated(self, topic: Topic, at: float) -> None:
        self._hold(topic, partial(self._receiver.terminated, topic, at))

    def resynced(self, topic: Topic, entry: Entry, *, occupied: bool) -> None:
        self._hold(topic, partial(self._receiver.resynced, topic, entry, occupied=occupied))

    def _hold(self, topic: Topic, run: Callable[[], None]) -> None:
        self._adapter.callbacks[topic].append(Callback(run))


def _resolve(future: Future[Any], value: object) -> None:
    if not future.cancelled():
        future.set_result(value)
