"""Visitors of presence channels who know what a back end has to be told of them, whatever happens to the nodes.

Each has a channel of its own, so that it makes the only transitions there. It comes, waits until the receiver was told,
goes, waits again. Whenever its connection breaks it comes back at once, elsewhere: that is no transition.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from websockets.exceptions import WebSocketException

from tests.harness import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.harness import RunningNode
    from tests.harness.receiver import Receiver

ARRIVAL, DEPARTURE = ("channel_occupied", "member_added"), ("channel_vacated", "member_removed")
PATIENCE = 150.0
"""Seconds until what a visitor waits for is lost: an endpoint may be down for 120 of them."""
BROKEN = (WebSocketException, OSError, TimeoutError, AssertionError)
"""What a connection may end with, or an answer that isn't the one expected, such as a close."""


class Visitor:
    """One client, and the truth about its channel."""

    def __init__(self, number: int, nodes: Callable[[], Sequence[RunningNode]], receiver: Receiver) -> None:
        self.channel = f"presence-{number}"
        self._nodes = nodes
        self._receiver = receiver
        self._client: Client | None = None
        # What the back end has to be told, how often.
        self.truth: Counter[str] = Counter()
        self.moves = 0
        self.slowest = 0.0

    async def visit(self, is_over: asyncio.Event) -> None:
        """Come and go until it is over."""
        while not is_over.is_set():
            await self._come()
            self.truth.update(ARRIVAL)
            await self._wait_told()
            await self._stay(random.uniform(0.0, 8.0))
            await self._go()
            self.truth.update(DEPARTURE)
            await self._wait_told()

    async def remain(self, node: RunningNode, is_over: asyncio.Event) -> None:
        """Come to this node, and stay until it is over, there or elsewhere."""
        await self._come([node])
        self.truth.update(ARRIVAL)
        while not is_over.is_set():
            await self._stay(0.5)
        await self._go()
        self.truth.update(DEPARTURE)
        await self._wait_told()

    @property
    def is_there(self) -> bool:
        return self._client is not None

    async def _come(self, nodes: Sequence[RunningNode] = ()) -> None:
        """Subscribe somewhere, in as many attempts as it takes."""
        while True:
            client = None
            try:
                client = await Client.connect(random.choice(nodes or self._nodes()))
                await client.subscribe(self.channel, user={"user_id": "u"})
            except BROKEN:
                if client is not None:
                    client.drop()
                await asyncio.sleep(random.uniform(0.1, 0.3))
            else:
                self._client = client
                return

    async def _stay(self, seconds: float) -> None:
        """Be there for some time, and back whenever the connection breaks."""
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0:
            assert self._client is not None, "somebody who is there"
            try:
                async with asyncio.timeout(left):
                    await self._client.receive()
            except BROKEN:
                if not self._is_connected:
                    self.moves += 1
                    await self._come()

    @property
    def _is_connected(self) -> bool:
        return self._client is not None and self._client.connection.close_code is None

    async def _go(self) -> None:
        """Leave: with a word, or without one."""
        assert self._client is not None, "somebody who is there"
        client, self._client = self._client, None
        if random.random() < 0.3:
            client.drop()
            return
        with suppress(*BROKEN):
            await client.unsubscribe(self.channel)
            await client.close()

    async def _wait_told(self) -> None:
        """Wait until the receiver was told all that is true by now."""
        began = time.monotonic()
        while not self.told() >= self.truth:
            assert time.monotonic() - began < PATIENCE, f"{self.channel}: {self.truth - self.told()} did not come"
            if self._client is not None:
                await self._stay(0.1)
            else:
                await asyncio.sleep(0.1)
        self.slowest = max(self.slowest, time.monotonic() - began)

    def told(self) -> Counter[str]:
        """Return what the receiver was told of this channel, each id once."""
        events = dict(self._receiver.accepted_of(self.channel))
        return Counter(event["name"] for event in events.values())
