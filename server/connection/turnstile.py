"""Many for whom the same has come true at once, such as an answer that all of them waited for: let in some at a time.

Callbacks of one future all run in the same turn of the event loop. Ten thousand clients that are greeted in one turn
are a third of a second in which this node delivers nothing to anybody, and answers no health check.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TURN = 100
"""Those who pass in one turn of the event loop: some milliseconds' worth."""


class Turnstile:
    """Calls what was handed to it, in that order, a turn's worth at a time."""

    def __init__(self) -> None:
        # Invariant: while there are any, a turn is due.
        self._waiting: deque[Callable[[], object]] = deque()

    def enter(self, act: Callable[[], object]) -> None:
        """Have `act` called in this turn of the event loop or, where many are before it, in one of the next."""
        self._waiting.append(act)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        for _ in range(min(TURN, len(self._waiting))):
            self._pass(self._waiting[0])
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)

    def _pass(self, act: Callable[[], object]) -> None:
        try:
            act()
        # As the event loop does with a callback: the others must not suffer for it.
        except Exception as exc:
            asyncio.get_running_loop().call_exception_handler({"message": "failed in its turn", "exception": exc})
        finally:
            self._waiting.popleft()
