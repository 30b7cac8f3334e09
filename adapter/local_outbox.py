"""The outbox of a node that is alone: in memory, gone with the process. See :class:`adapter.outbox.Outbox`."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import secrets
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adapter.outbox import (
    COUNTED,
    JOINED,
    LEFT,
    OCCUPIED,
    VACATED,
    Buried,
    Notice,
    OutboxNumbers,
    OutboxOptions,
    Wants,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapter.base import Topic

_Key = tuple[str, "Topic", str]
"""What is held back: kind, topic, user."""


@dataclass(slots=True, eq=False)
class _Held:
    """A notice that is held back; `notice` is None once it was undone."""

    notice: Notice | None


class LocalOutbox:
    """Keeps notices, in order.

    :param clock: for durations; :param wall: the time of day.
    """

    def __init__(
        self, options: OutboxOptions, *, clock: Callable[[], float], wall: Callable[[], float] = time.time
    ) -> None:
        self._options = options
        self._clock = clock
        self._wall = wall
        self._wants: Callable[[Topic], Wants] = _nothing
        self._serial = itertools.count(1)
        # No other process's ids begin like this.
        self._boot = secrets.token_hex(6)
        self._ready: deque[Notice] = deque()
        self._has_ready = asyncio.Event()
        # Handed out, and not done.
        self._taken: set[str] = set()
        # A heap of what is held back: (due, serial, what), and by which key it can be undone or replaced.
        self._heap: list[tuple[float, int, _Held]] = []
        self._held: dict[_Key, _Held] = {}
        self._counts: dict[Topic, int] = {}
        self._counted_at: dict[Topic, float] = {}
        # Until when notices of a topic and kind are none, as far as it was asked for.
        self._apart: dict[tuple[Topic, str], float] = {}
        self._buried: OrderedDict[str, Buried] = OrderedDict()
        self._dropped = 0

    @property
    def numbers(self) -> OutboxNumbers:
        return OutboxNumbers(
            waiting=len(self._ready) + len(self._taken),
            held_back=sum(held.notice is not None for _, _, held in self._heap),
            oldest=max(0.0, self._wall() - self._ready[0].at) if self._ready else 0.0,
            buried=len(self._buried),
            dropped=self._dropped,
        )

    def keep(self, wants: Callable[[Topic], Wants]) -> None:
        self._wants = wants

    # What happens

    def begins(self, topic: Topic, user: str | None) -> None:
        """Note that a topic is occupied, or that a user joined it."""
        if not self._wants(topic) & (Wants.OCCUPANCY if user is None else Wants.MEMBERS):
            return
        opposite, kind = (VACATED, OCCUPIED) if user is None else (LEFT, JOINED)
        held = self._held.pop((opposite, topic, user or ""), None)
        if held is None:
            self._add(self._notice(topic, kind, user or ""))
        else:
            held.notice = None

    def ends(self, topic: Topic, user: str | None) -> None:
        """Note that a topic is vacated, or that a user left it."""
        if self._wants(topic) & (Wants.OCCUPANCY if user is None else Wants.MEMBERS):
            kind = VACATED if user is None else LEFT
            notice = self._notice(topic, kind, user or "")
            self._hold_back(notice, self._options.debounce, key=(kind, topic, notice.user))

    def counted(self, topic: Topic, total: int) -> None:
        """Note an announced change of a topic's number of subscriptions."""
        if not self._wants(topic) & Wants.COUNTS:
            return
        now = self._clock()
        self._counts[topic] = total
        key = COUNTED, topic, ""
        due = self._counted_at.get(topic, now) + self._options.interval
        if total > self._options.large and topic in self._counted_at and now < due:
            if key not in self._held:
                self._hold_back(self._notice(topic, COUNTED), due - now, key=key)
            return
        held = self._held.pop(key, None)
        if held is not None:
            held.notice = None
        self._add(self._with_count(self._notice(topic, COUNTED)))

    def notify(self, topic: Topic, kind: str, payload: bytes = b"", *, apart: float = 0.0) -> None:
        if apart:
            now = self._clock()
            if self._apart.get((topic, kind), now) > now:
                return
            self._apart[topic, kind] = now + apart
        self._add(self._notice(topic, kind, payload=payload))

    def _notice(self, topic: Topic, kind: str, user: str = "", payload: bytes = b"") -> Notice:
        handle = f"{self._boot}-{next(self._serial)}"
        return Notice(handle, topic, kind, user, payload, at=self._wall(), age=0.0, handle=handle)

    def _with_count(self, notice: Notice) -> Notice:
        self._counted_at[notice.topic] = self._clock()
        return replace(notice, payload=b"%d" % self._counts.get(notice.topic, 0), at=self._wall())

    def _add(self, notice: Notice) -> None:
        if len(self._ready) >= self._options.most:
            self._dropped += 1
            return
        self._ready.append(notice)
        self._has_ready.set()

    def _hold_back(self, notice: Notice, seconds: float, *, key: _Key | None = None) -> None:
        held = _Held(notice)
        if key is not None:
            self._held[key] = held
        heapq.heappush(self._heap, (self._clock() + seconds, next(self._serial), held))

    # What is delivered

    async def take(self, most: int) -> list[Notice]:
        while not self._ready:
            self._has_ready.clear()
            await self._has_ready.wait()
        now = self._wall()
        taken = [self._ready.popleft() for _ in range(min(most, len(self._ready)))]
        self._taken.update(notice.handle for notice in taken)
        return [replace(notice, age=max(0.0, now - notice.at)) for notice in taken]

    def done(self, notice: Notice) -> None:
        self._taken.discard(notice.handle)

    def postpone(self, notice: Notice, only: str, seconds: float) -> None:
        if len(self._heap) >= self._options.most:
            self._dropped += 1
            return
        self._hold_back(replace(notice, only=only, handle=f"{self._boot}-{next(self._serial)}"), seconds)

    def bury(self, notice: Notice, only: str, why: str) -> None:
        if len(self._buried) >= self._options.most_buried:
            self._buried.popitem(last=False)
            self._dropped += 1
        id = f"{notice.id}~{only}"  # noqa: A001 - the contract's word
        self._buried[id] = Buried(id, replace(notice, only=only), why, self._wall())

    async def buried(self, most: int) -> list[Buried]:
        return list(itertools.islice(self._buried.values(), most))

    async def retry(self, ids: Sequence[str]) -> int:
        # What there is no room for stays buried.
        room = max(0, self._options.most - len(self._ready))
        found = [id for id in ids if id in self._buried][:room]  # noqa: A001
        for id in found:  # noqa: A001
            handle = f"{self._boot}-{next(self._serial)}"
            self._add(replace(self._buried.pop(id).notice, at=self._wall(), handle=handle))
        return len(found)

    def last_call(self) -> bool:
        self._tell(lambda _: True)
        return True

    # Time

    def lapse(self) -> None:
        """Tell what was held back for long enough."""
        now = self._clock()
        self._tell(lambda due: due <= now)
        for key in [key for key, until in self._apart.items() if until <= now]:
            del self._apart[key]

    def forget(self) -> None:
        """Forget when counts were told that may be told again anyway."""
        before = self._clock() - self._options.interval
        for topic in [topic for topic, at in self._counted_at.items() if at <= before]:
            del self._counted_at[topic]
            if (COUNTED, topic, "") not in self._held:
                self._counts.pop(topic, None)

    def _tell(self, is_due: Callable[[float], bool]) -> None:
        while self._heap and is_due(self._heap[0][0]):
            held = heapq.heappop(self._heap)[2]
            notice = held.notice
            if notice is None:
                continue
            key = notice.kind, notice.topic, notice.user
            if self._held.get(key) is held:
                del self._held[key]
            self._add(self._with_count(notice) if notice.kind == COUNTED and not notice.only else notice)


def _nothing(topic: Topic) -> Wants:
    return Wants.NOTHING
