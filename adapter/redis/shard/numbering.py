"""The writes of one node to one shard: each is applied once, in order, whatever happens to links and answers.

Pure: no I/O. :meth:`Line.to_send` says what is to be sent now; tell it what was answered.

    add ──▶ WAITING ──to_send: gets its number──▶ UNANSWERED ──applied──▶ gone
                                                   │      ▲
                                       refused, or lost   └── sent again, same number, once no answer is outstanding

A write keeps its number until it is answered, since nobody knows whether an unanswered one was applied; Redis knows,
and takes a number once. When one is refused those sent behind it are refused too (their numbers leave a hole), so all
of them are sent again together.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Iterable

Answer = list[Any]


@dataclass(slots=True, eq=False)
class Write:
    """A write, as a script wants it."""

    script: str
    keys: tuple[str, ...]
    """Those behind the ones that every write has."""
    topic: str
    channel: str
    arguments: tuple[bytes | str | int, ...]
    """Those behind the ones that every write has."""
    on_applied: Callable[[Answer], None] | None = None
    """Called with what the script adds to the answer."""
    future: Future[None] | None = None
    """Done when it is applied; whoever waits for it does so for a while only. None if nobody does."""
    asked_at: float = 0.0
    is_patient: bool = False
    """Whether it waits while the shard settles."""
    number: int = 0
    """0 as long as it has none."""

    @property
    def claim(self) -> bytes | str | int | None:
        """The claim that it makes or takes back; None for other writes."""
        return self.arguments[0] if self.script in {"enter", "leave", "count"} else None

    def is_overdue(self, before: float) -> bool:
        """Tell whether somebody still waits for it who asked until `before`."""
        return self.future is not None and self.asked_at <= before and not self.future.done()


class Line:
    """The writes of one node to one shard that aren't answered yet."""

    def __init__(self) -> None:
        # The last number that was given, and the last that is known to be applied.
        self.given = 0
        self.acknowledged = 0
        self.is_open = False
        self.is_settling = False
        self.waiting: deque[Write] = deque()
        # Invariant: consecutive numbers, the last of them `given`.
        self.unanswered: deque[Write] = deque()
        # How many of them were sent and may still be answered.
        self._outstanding = 0
        self._send_again = False

    @property
    def is_idle(self) -> bool:
        return not self.waiting and not self.unanswered

    @property
    def pending(self) -> int:
        """How many are not answered yet."""
        return len(self.waiting) + len(self.unanswered)

    def add_first(self, writes: Iterable[Write]) -> None:
        """Put writes in front of those that wait."""
        self.waiting.extendleft(reversed(list(writes)))

    def add(self, write: Write) -> bool:
        """Add a write; tell whether it is to be sent now, since none has to be sent before it."""
        # While it settles only patient ones wait on an open line, and the others don't wait for them.
        has_to_wait = write.is_patient if self.is_settling else bool(self.waiting)
        if not self.is_open or self._send_again or has_to_wait:
            self.waiting.append(write)
            return False
        self.given += 1
        write.number = self.given
        self.unanswered.append(write)
        self._outstanding += 1
        return True

    def to_send(self) -> list[Write]:
        """Return what is to be sent now, in order."""
        if not self.is_open:
            return []
        writes: list[Write] = []
        if self._send_again:
            if self._outstanding:
                return []
            self._send_again = False
            writes += self.unanswered
        if self.waiting:
            writes += self._number_waiting()
        self._outstanding += len(writes)
        return writes

    def _number_waiting(self) -> list[Write]:
        if self.is_settling:
            ready = [write for write in self.waiting if not write.is_patient]
            self.waiting = deque(write for write in self.waiting if write.is_patient)
        else:
            ready = list(self.waiting)
            self.waiting.clear()
        for write in ready:
            self.given += 1
            write.number = self.given
        self.unanswered.extend(ready)
        return ready

    def applied(self, write: Write) -> bool:
        """Note that `write` was applied, now or before; tell whether that is its answer.

        It isn't while one before it was refused, which happens where both are repeats: then both are sent again.
        """
        self._outstanding -= 1
        if self._send_again:
            return False
        assert self.unanswered[0] is write, "answers come in order, and none is applied behind one that isn't"
        self.unanswered.popleft()
        self.acknowledged = write.number
        return True

    def refused(self) -> None:
        """Note that a write was not applied: it is sent again, and those behind it."""
        self._outstanding -= 1
        self._send_again = True

    def lost(self) -> None:
        """Note that no answer will come any more to what was sent."""
        self.is_open = False
        self._outstanding = 0
        self._send_again = bool(self.unanswered)

    def overdue(self, before: float) -> list[Write]:
        """Take out the writes asked for until `before` that wait no longer; those that have a number stay in line."""
        late = [write for write in self.unanswered if write.is_overdue(before)]
        unsent = {write: None for write in self.waiting if write.is_overdue(before)}
        if unsent:
            self.waiting = deque(write for write in self.waiting if write not in unsent)
        return [*late, *unsent]

    def begin_again(self, applied: int) -> list[Write]:
        """Number anew from 1, for another boot; `applied` is the last number that was applied for the one before.

        Returns the writes that were applied and must not be again. Those that only state how something is to be, the
        patient ones, are sent anew in any case: what they had stated went away with the boot.
        """
        done = [write for write in self.unanswered if write.number <= applied and not write.is_patient]
        rest = [write for write in self.unanswered if write.number > applied or write.is_patient]
        for write in rest:
            write.number = 0
        self.waiting.extendleft(reversed(rest))
        self.unanswered.clear()
        self.given = self.acknowledged = 0
        self._outstanding, self._send_again = 0, False
        return done
