"""Which endpoint's line has something to be sent next, and when: quick to tell, however many there are. Sans-I/O."""

from __future__ import annotations

import heapq
import itertools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.webhooks.line import Line


class Agenda:
    """Lines by the time at which they are to be looked at."""

    def __init__(self) -> None:
        # A heap: when, a serial number, the line.
        self._entries: list[tuple[float, int, Line]] = []
        self._serial = itertools.count()
        # Invariant: each line in here has an entry with this time; its other entries are outdated.
        self._when: dict[Line, float] = {}

    def note(self, line: Line) -> None:
        """Have a line looked at when it wants to be; to be called after each change of it."""
        when = line.wake_at
        if when < self._when.get(line, math.inf):
            self._when[line] = when
            heapq.heappush(self._entries, (when, next(self._serial), line))

    def pop(self, now: float) -> Line | None:
        """Return a line whose time has come, if there is one: who has waited longest comes first."""
        while self._entries and self._entries[0][0] <= now:
            when, _, line = heapq.heappop(self._entries)
            if self._when.get(line) == when:
                del self._when[line]
                return line
        return None

    @property
    def wake_at(self) -> float:
        """When there may be one; infinity if there won't."""
        return self._entries[0][0] if self._entries else math.inf
