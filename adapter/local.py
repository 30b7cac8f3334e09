"""The adapter of a node that is alone: everything in this process, callbacks within the calls."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from adapter.base import Entry, Full, NodeInfo, Occupancy, Remembered, Topic
from adapter.bucket import Bucket
from adapter.errors import AdapterError
from adapter.local_outbox import LocalOutbox
from adapter.outbox import OutboxOptions
from adapter.plain_numbers import ClusterNumbers

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Sequence

    from adapter.base import Receiver, Spent

ONCE_TTL = 120.0
"""Seconds for which a publish's ``once`` is known again."""


@dataclass(slots=True, eq=False)
class _State:
    """What is known of one topic."""

    # Who is entered now, and until when whom a hold keeps; a user may be in both.
    entries: set[str | None] = field(default_factory=set)
    holds: dict[str | None, float] = field(default_factory=dict)
    # Invariant: the users in entries or holds.
    members: dict[str, bytes] = field(default_factory=dict)
    version: int = 0
    subscriptions: int = 0

    @property
    def is_occupied(self) -> bool:
        return bool(self.entries or self.holds)


class LocalAdapter:
    """Keeps the state of a cluster of one node. See :class:`adapter.base.Adapter` for what each call promises."""

    def __init__(
        self,
        *,
        name: str = "local",
        version: str = "",
        outbox: OutboxOptions | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self.outbox = LocalOutbox(outbox or OutboxOptions(), clock=clock)
        self._self = NodeInfo(name, secrets.token_hex(8), "starting", version, 0, 0.0)
        self._position = 0
        # Invariant: a topic is in _topics if and only if it has an entry or a subscription.
        self._topics: dict[Topic, _State] = {}
        self._watched: set[Topic] = set()
        self._remembered: dict[Topic, tuple[bytes, float]] = {}
        # A heap of (due, topic, user or "", whether the user is None), earliest first. One that was prolonged is in it
        # twice; the state's own `holds` says which counts.
        self._due: list[tuple[float, Topic, str, bool]] = []
        # When each is forgotten, the earliest first.
        self._once: dict[tuple[Topic, str], float] = {}
        self._connections: dict[str, int] = {}
        # By application and what is spent.
        self._buckets: dict[tuple[str, str], Bucket] = {}

    async def start(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._accepted: Future[None] = self._loop.create_future()
        self._accepted.set_result(None)
        self._sweeper = self._loop.create_task(self._sweep(), name="local-adapter-sweep")

    async def stop(self) -> None:
        self._sweeper.cancel()
        await asyncio.gather(self._sweeper, return_exceptions=True)
        # Nobody is left to be told, or to come back to a hold.
        self._watched.clear()
        self._topics.clear()

    def declare(self, state: str, connections: int, *, is_leaving: bool = False) -> None:
        # Connections are counted here anyway.
        self._self = replace(self._self, state=state)

    async def nodes(self) -> list[NodeInfo]:
        return [replace(self._self, connections=self._open)]

    def numbers(self) -> ClusterNumbers:
        return ClusterNumbers(nodes={self._self.state: 1}, connections=self._open, topics=len(self._watched))

    @property
    def _open(self) -> int:
        return sum(self._connections.values())

    # Messages

    def publish(
        self, topic: Topic, payload: bytes, *, sender: str = "", remember: float = 0.0, once: str = ""
    ) -> Future[None]:
        if once and not self._is_first(topic, once):
            return self._accepted
        if remember:
            self._remembered[topic] = payload, self._clock() + remember
        position = self._next_position()
        if topic in self._watched:
            self._receiver.message(topic, position, payload, sender)
        return self._accepted

    def watch(self, topic: Topic) -> None:
        self._watched.add(topic)

    def unwatch(self, topic: Topic) -> None:
        self._watched.discard(topic)

    def terminate(self, topic: Topic) -> Future[None]:
        if topic in self._watched:
            self._receiver.terminated(topic, self._clock())
        return self._accepted

    def _is_first(self, topic: Topic, once: str) -> bool:
        now = self._clock()
        if self._once.get((topic, once), 0.0) > now:
            return False
        # Re-inserted at the end, so that the order of the dict is the order of lapsing.
        self._once.pop((topic, once), None)
        self._once[topic, once] = now + ONCE_TTL
        return True

    # Entries

    def enter(
        self, topic: Topic, user: str | None = None, info: bytes = b"", *, limit: int | None = None
    ) -> Future[Entry | Full]:
        state = self._topics.get(topic) or self._topics.setdefault(topic, _State())
        answer: Future[Entry | Full] = self._loop.create_future()
        if user is not None and user not in state.members and limit is not None and len(state.members) >= limit:
            self._forget_if_empty(topic, state)
            answer.set_result(Full(limit))
            return answer
        self._add_entry(topic, state, user, info)
        answer.set_result(
            Entry(
                position=self._position,
                members=state.members,
                version=state.version,
                remembered=self._recall(topic),
                at=self._clock(),
            )
        )
        return answer

    def _add_entry(self, topic: Topic, state: _State, user: str | None, info: bytes) -> None:
        was_occupied = state.is_occupied
        state.entries.add(user)
        if not was_occupied:
            position = self._next_position()
            self.outbox.begins(topic, None)
            if topic in self._watched:
                self._receiver.occupied(topic, position)
        if user is not None and user not in state.members:
            state.members[user] = info
            state.version = position = self._next_position()
            self.outbox.begins(topic, user)
            if topic in self._watched:
                self._receiver.joined(topic, position, user, info)

    def leave(self, topic: Topic, user: str | None = None, *, hold: float = 0.0) -> None:
        state = self._topics.get(topic)
        if state is None or user not in state.entries:
            return
        state.entries.discard(user)
        if hold > 0:
            due = max(self._clock() + hold, state.holds.get(user, 0.0))
            state.holds[user] = due
            heapq.heappush(self._due, (due, topic, user or "", user is None))
        self._settle(topic, state, user)

    def _settle(self, topic: Topic, state: _State, user: str | None) -> None:
        """Tell that `user` has left, and that the topic is vacated, where nothing keeps them any more."""
        if user in state.entries or user in state.holds:
            return
        if user is not None:
            del state.members[user]
            state.version = position = self._next_position()
            self.outbox.ends(topic, user)
            if topic in self._watched:
                self._receiver.left(topic, position, user)
        if not state.is_occupied:
            position = self._next_position()
            self.outbox.ends(topic, None)
            if topic in self._watched:
                self._receiver.vacated(topic, position)
        self._forget_if_empty(topic, state)

    def _forget_if_empty(self, topic: Topic, state: _State) -> None:
        if not state.is_occupied and not state.subscriptions:
            self._topics.pop(topic, None)

    # Numbers

    def count(self, topic: Topic, subscriptions: int, *, announce: bool = False) -> None:
        state = self._topics.get(topic) or self._topics.setdefault(topic, _State())
        changed = state.subscriptions != subscriptions
        state.subscriptions = subscriptions
        self._forget_if_empty(topic, state)
        if announce and changed:
            self.outbox.counted(topic, subscriptions)
            if topic in self._watched:
                self._receiver.counted(topic, subscriptions)

    def admit(self, app_id: str, limit: int | None) -> Future[bool]:
        answer: Future[bool] = self._loop.create_future()
        open_now = self._connections.get(app_id, 0)
        is_admitted = limit is None or open_now < limit
        if is_admitted:
            self._connections[app_id] = open_now + 1
        answer.set_result(is_admitted)
        return answer

    def discharge(self, app_id: str) -> None:
        if self._connections.get(app_id, 0) < 1:
            raise AdapterError(f"no connection of app {app_id!r} to take back")
        self._connections[app_id] -= 1

    def spend(self, app_id: str, what: str, amount: int, rate: int) -> Future[Spent]:
        bucket = self._buckets.get((app_id, what)) or self._buckets.setdefault((app_id, what), Bucket())
        answer: Future[Spent] = self._loop.create_future()
        answer.set_result(bucket.spend(amount, rate, self._clock()))
        return answer

    # Reads

    async def describe(self, topics: Sequence[Topic]) -> list[Occupancy]:
        return [self._occupancy(self._topics.get(topic)) for topic in topics]

    async def occupied_topics(self, app_id: str, prefix: str = "") -> dict[str, Occupancy]:
        start = f"{app_id}/{prefix}"
        names = len(app_id) + 1
        return {
            topic[names:]: self._occupancy(state)
            for topic, state in self._topics.items()
            if state.is_occupied and topic.startswith(start)
        }

    async def members(self, topic: Topic) -> list[str]:
        state = self._topics.get(topic)
        return list(state.members) if state else []

    async def remembered(self, topic: Topic) -> Remembered | None:
        return self._recall(topic)

    @staticmethod
    def _occupancy(state: _State | None) -> Occupancy:
        if state is None:
            return Occupancy(occupied=False, subscriptions=0, members=0)
        return Occupancy(state.is_occupied, state.subscriptions, len(state.members))

    def _recall(self, topic: Topic) -> Remembered | None:
        payload, due = self._remembered.get(topic, (b"", 0.0))
        ttl = due - self._clock()
        return Remembered(payload, ttl) if ttl > 0 else None

    # Time

    def lapse(self) -> None:
        """Carry out what is due: holds that end, ``once`` values to be forgotten."""
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            due, topic, name, is_nobody = heapq.heappop(self._due)
            user = None if is_nobody else name
            state = self._topics.get(topic)
            if state and state.holds.get(user) == due:
                del state.holds[user]
                self._settle(topic, state, user)
        while self._once and next(iter(self._once.values())) <= now:
            del self._once[next(iter(self._once))]
        self.outbox.lapse()

    def forget(self) -> None:
        """Forget remembered messages past their time, and full buckets: only memory is at stake."""
        now = self._clock()
        for key in [key for key, bucket in self._buckets.items() if bucket.is_full(now)]:
            del self._buckets[key]
        for topic in [topic for topic, (_, due) in self._remembered.items() if due <= now]:
            del self._remembered[topic]
        self.outbox.forget()

    async def _sweep(self) -> None:
        for second in itertools.count(1):
            await asyncio.sleep(1.0)
            self.lapse()
            if second % 60 == 0:
                self.forget()

    def _next_position(self) -> int:
        self._position += 1
        return self._position
