"""What is wrong with Redis just now, in words for who has to mend it.

Each trouble is told in the log once when it begins, again now and then as long as it lasts, and is a number meanwhile.
The *link* of a server has at most one trouble: why it can't be used at all. A server that is in use may have several.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from adapter.plain_numbers import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapter.redis.errors import Kind

logger = logging.getLogger(__name__)

FIRST_REMINDER, LAST_REMINDER = 10.0, 300.0
"""Seconds after which a trouble that lasts is told again; twice as long each time, up to the second."""


class Side(Enum):
    """Where a trouble is."""

    LINK = "can't use Redis, and tries again: %s"
    SERVER = "Redis needs attention: %s"


@dataclass(slots=True)
class _Trouble:
    text: str
    reminder_at: float
    pause: float = FIRST_REMINDER


class Troubles:
    """The troubles of all servers.

    :param clock: seconds, ascending.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._of: dict[tuple[Side, str], dict[Kind, _Trouble]] = {}

    def note(self, side: Side, where: str, found: Mapping[Kind, str], *, is_told: bool = False) -> None:
        """Take in all that is wrong with one side of a server; nothing, if nothing is.

        :param is_told: whether the log has it already.
        """
        before = self._of.pop((side, where), {})
        if side is Side.SERVER:
            for kind in before.keys() - found.keys():
                logger.info("mended: Redis %s, %s", where, kind.value)
        now = {kind: self._noted(side, before.get(kind), text, is_told=is_told) for kind, text in found.items()}
        if now:
            self._of[side, where] = now

    def _noted(self, side: Side, known: _Trouble | None, text: str, *, is_told: bool) -> _Trouble:
        if known is None:
            if not is_told:
                logger.warning(side.value, text)
            return _Trouble(text, self._clock() + FIRST_REMINDER)
        known.text = text
        if self._clock() >= known.reminder_at:
            logger.warning(side.value, text)
            known.pause = min(LAST_REMINDER, known.pause * 2)
            known.reminder_at = self._clock() + known.pause
        return known

    def forget(self, where: str) -> None:
        """Forget a server that isn't used any more."""
        for side in Side:
            self._of.pop((side, where), None)

    def problems(self) -> list[Problem]:
        """Return all there are."""
        return [
            Problem(where, kind.value, trouble.text)
            for (_, where), troubles in self._of.items()
            for kind, trouble in troubles.items()
        ]
