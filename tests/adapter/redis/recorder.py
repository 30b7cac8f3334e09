"""A receiver that writes down what it is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapter.base import Entry, Topic


class Recorder:
    """Fulfils :class:`adapter.base.Receiver`."""

    def __init__(self) -> None:
        # (what, topic, position, ...) in the order in which it was told; position is None where there is none.
        self.told: list[tuple[object, ...]] = []
        self._changed = asyncio.Event()

    def message(self, topic: Topic, position: int, payload: bytes, sender: str) -> None:
        self._note("message", topic, position, payload, sender)

    def joined(self, topic: Topic, position: int, user: str, info: bytes) -> None:
        self._note("joined", topic, position, user, info)

    def left(self, topic: Topic, position: int, user: str) -> None:
        self._note("left", topic, position, user)

    def occupied(self, topic: Topic, position: int) -> None:
        self._note("occupied", topic, position)

    def vacated(self, topic: Topic, position: int) -> None:
        self._note("vacated", topic, position)

    def counted(self, topic: Topic, total: int) -> None:
        self._note("counted", topic, None, total)

    def terminated(self, topic: Topic, at: float) -> None:
        self._note("terminated", topic, None, at)

    def resynced(self, topic: Topic, entry: Entry, *, occupied: bool) -> None:
        self._note("resynced", topic, None, sorted(entry.members), occupied)

    def _note(self, *what: object) -> None:
        self.told.append(what)
        self._changed.set()

    def of(self, *kinds: str) -> list[tuple[object, ...]]:
        """Return what was told of these kinds."""
        return [item for item in self.told if item[0] in kinds]

    def payloads(self, topic: Topic) -> list[object]:
        """Return the payloads of a topic's messages, in order."""
        return [item[3] for item in self.told if item[0] == "message" and item[1] == topic]

    def history(self, *kinds: str) -> list[tuple[object, object]]:
        """Return what was told, as (kind, user) only."""
        return [(item[0], item[3] if len(item) > 3 else None) for item in self.of(*kinds)]

    async def wait_until(self, condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
        """Wait until something that was told makes `condition` true."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()
