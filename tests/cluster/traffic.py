"""Numbered events, from the HTTP API and from clients, through all nodes at once; and who saw which of them."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Self

from tests.cluster.api import Api
from tests.cluster.history import Complaint, Sent, check_channel
from tests.cluster.waiting import PATIENCE, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.cluster.observer import Crowd, Observer
    from tests.harness import RunningNode

PUBLISHERS, TALKERS, LISTENERS = 3, 2, 2
"""On each node: back ends, clients that send events, clients that only listen."""


class Traffic:
    """Publishers on all nodes, and observers who see everything.

    :param rate: events a second, of all publishers together.
    """

    def __init__(self, nodes: Sequence[RunningNode], crowd: Crowd, *, channels: int, rate: float, seed: int) -> None:
        self._nodes = nodes
        self._crowd = crowd
        self.channels = [f"private-numbered-{number}" for number in range(channels)]
        self._interval = len(nodes) * (PUBLISHERS + TALKERS) / rate
        self._random = random.Random(seed)
        self.sent: dict[str, list[Sent]] = {channel: [] for channel in self.channels}
        # Answers of the API, by status; 0 where a connection broke.
        self.statuses: Counter[int] = Counter()
        # Of those that were refused.
        self.retry_after: set[str | None] = set()
        self.observers: list[Observer] = []
        self._talkers: list[Observer] = []
        self._is_over = False

    async def __aenter__(self) -> Self:
        """Subscribe everybody, and begin."""
        self._exit = AsyncExitStack()
        for node, name in zip(self._nodes, "ABCDEFGH", strict=False):
            self.observers += [await self._crowd.connect(node, f"listener {name}{i}") for i in range(LISTENERS)]
            self._talkers += [await self._crowd.connect(node, f"talker {name}{i}") for i in range(TALKERS)]
        self.observers += self._talkers
        await asyncio.gather(*(observer.subscribe(channel) for observer in self.observers for channel in self.channels))
        self._tasks = [asyncio.create_task(self._talk(talker)) for talker in self._talkers]
        for node, name in zip(self._nodes, "ABCDEFGH", strict=False):
            for number in range(PUBLISHERS):
                api = await self._exit.enter_async_context(Api(node))
                self._tasks.append(asyncio.create_task(self._publish(api, f"publisher {name}{number}")))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Send no more, and wait for the answers to what was sent."""
        self._is_over = True
        await asyncio.gather(*self._tasks)
        await self._exit.aclose()

    # Sending

    async def _publish(self, api: Api, name: str) -> None:
        for number in itertools.count(1):
            if not await self._is_due(number):
                return
            channel = self._random.choice(self.channels)
            try:
                answer = await api.publish(channel, f"{name}#{number}")
            except OSError:
                status = 0
            else:
                status = answer.status
            self.statuses[status] += 1
            if status == 503:
                self.retry_after.add(answer.headers.get("retry-after"))
            self.sent[channel].append(Sent(name, number, is_accepted=status == 200))

    async def _talk(self, talker: Observer) -> None:
        for number in itertools.count(1):
            if not await self._is_due(number):
                return
            channel = self._random.choice(self.channels)
            talker.trigger(channel, f"{talker.name}#{number}")
            # Clients get no answer; see lost_in_silence.
            self.sent[channel].append(Sent(talker.name, number, is_accepted=False))

    async def _is_due(self, number: int) -> bool:
        """Wait for the next turn; who is late has missed one, so that an outage isn't followed by a flood."""
        pause = self._interval * (self._random.uniform(0.0, 1.0) if number == 1 else self._random.uniform(0.5, 1.5))
        await asyncio.sleep(pause)
        return not self._is_over

    # Judging

    @property
    def count(self) -> int:
        """How many events were sent."""
        return sum(map(len, self.sent.values()))

    async def judgement(self, within: float = PATIENCE) -> list[Complaint]:
        """Wait until everything is delivered, or no longer; return all that is wrong with what was seen."""
        with suppress(AssertionError):
            await eventually(self.is_delivered, "everything is delivered", within)
        return self.complaints()

    def is_delivered(self) -> bool:
        """Tell whether everything that was accepted has been seen by everybody, and everybody has seen as much."""
        return all(self._missing(channel) == 0 for channel in self.channels)

    def _missing(self, channel: str) -> int:
        seen = {observer.name: set(observer.attended[channel].data) for observer in self.observers}
        known = set().union(*seen.values()) | {one.text for one in self.sent[channel] if one.is_accepted}
        # A text begins with the name of its publisher, who isn't shown it.
        return sum(not text.startswith(f"{name}#") for name, texts in seen.items() for text in known.difference(texts))

    def complaints(self) -> list[Complaint]:
        """Return all that is wrong with what was seen so far."""
        return [
            *(Complaint("connection lost", *lost.split(": ")) for lost in self._crowd.lost()),
            *(complaint for channel in self.channels for complaint in self._complaints(channel)),
            *self._lost_in_silence(),
        ]

    def _complaints(self, channel: str) -> list[Complaint]:
        seen = {observer.name: observer.attended[channel].data for observer in self.observers}
        return check_channel(self.sent[channel], seen)

    def _lost_in_silence(self) -> Iterator[Complaint]:
        """Look for client events that nobody saw, though their sender wasn't told of any error."""
        seen = {text for channel in self.channels for text in self.observers[0].attended[channel].data}
        for talker in self._talkers:
            own = {one.text for sent in self.sent.values() for one in sent if one.publisher == talker.name}
            if len(own - seen) > len(talker.errors):
                yield Complaint("lost without a word", talker.name, f"{len(own - seen)} of {len(own)} events")
