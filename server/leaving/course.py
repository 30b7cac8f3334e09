"""What a node does when it leaves, and when. Sans-I/O: what it was told and the time go in, effects come out.

    told ── settle ──▶ closing, at a pace, within drain_max ── abort_timeout ──▶ flush_timeout ──▶ signing off ──▶ gone
    SETTLING           DRAINING                                                 FLUSHING                        STOPPED

Where time is known to be short, settling takes a smaller part of it, and closing goes faster. When no more than
`last_call` is left, or when told to exit a second time, all that remains is closed at once, and the rest has to fit
what there is.

Its shell (:mod:`server.leaving.departure`) calls :meth:`Course.advance` until nothing comes of it, and again at
:attr:`Course.wake_at`, or when something has happened.
"""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import TYPE_CHECKING

from server.leaving.effects import AskNodes, CloseClients, CutOff, Effect, Enter, Flush, Force, GiveUp, SignOff
from server.leaving.pace import Pace, TokenBucket, pace_of
from server.lifecycle import Lifecycle, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from server.config import Settings

TICK = 0.02
"""Seconds between two batches of closes."""
REVIEW = 2.0
"""Seconds after which the pace is worked out again: by then the nodes know of one another's new states."""
SLACK = 1.0
"""Seconds beyond abort_timeout after which connections that are closing are waited for no more."""

# Parts of the last seconds after which closes, flushing and signing off are waited for no more.
_CLOSED, _FLUSHED, _SIGNED_OFF = 0.5, 0.7, 0.9


class Course:
    """Leads a node from READY to STOPPED. All times are seconds of one clock."""

    def __init__(self, lifecycle: Lifecycle, settings: Settings) -> None:
        self._lifecycle = lifecycle
        self._settings = settings
        self._told_at = 0.0
        # When everything has to be over, and since when nothing is waited for that could be done at once.
        # Invariant: both are infinite, or the second is before the first.
        self._over_by = self._rush_from = inf
        # The states of all nodes, as last heard of.
        self._nodes = Counter[str]()
        self._asked_at = self._reckoned_at = -inf
        # Set while draining: when it began; when all must have been closed; when the last was.
        self._bucket = TokenBucket(now=0.0)
        self._drained_by = inf
        self._closed_at = 0.0
        self._pace = Pace(0.0, 0.0, is_forced=False)
        self._was_forced = False
        # What is under way while FLUSHING, since when, and whether it has finished.
        self._work: Flush | SignOff | None = None
        self._work_since = 0.0
        self._has_finished = False
        # When to advance if nothing happens before; infinite if nothing is waited for.
        self.wake_at = inf

    @property
    def rate(self) -> float:
        """Clients that are being closed a second."""
        return self._pace.rate

    # Being told

    def drain(self, *, now: float, within: float | None = None) -> None:
        """Let go of all clients, and stay until told to exit.

        :param within: seconds in which that has to be done, if it is known.
        """
        self._note(now)
        self._lifecycle.drain()
        if within is not None:
            self._be_over_by(now + within, self._settings.last_call)

    def exit(self, *, now: float) -> None:
        """Let go of all clients and exit; told a second time, within a second."""
        self._note(now)
        self._lifecycle.exit()
        if self._lifecycle.is_hurrying:
            self._be_over_by(now + self._settings.hurry_timeout, self._settings.hurry_timeout)
            return
        if now >= self._over_by:
            # That was for letting go of the clients.
            self._over_by = self._rush_from = inf
        if self._settings.grace is not None:
            self._be_over_by(now + self._settings.grace, self._settings.last_call)

    def hear(self, states: Iterable[str]) -> None:
        """Take in the states of all nodes; none if they can't be known just now."""
        self._nodes = Counter(states)
        self._reckoned_at = -inf

    def finished(self, work: Flush | SignOff) -> None:
        """Take in that what was asked for is done, unless it was given up meanwhile."""
        self._has_finished = self._has_finished or work is self._work

    def _note(self, now: float) -> None:
        if not self._lifecycle.is_told_to_leave:
            self._told_at = now

    def _be_over_by(self, end: float, reserve: float) -> None:
        """Have a deadline, unless there is an earlier one; `reserve` seconds before it there's nothing left to plan."""
        if end < self._over_by:
            self._over_by, self._rush_from = end, end - reserve

    # Going on

    def advance(self, *, now: float, open_clients: int, closing: int) -> list[Effect]:
        """Return what is to be done now, in order; nothing if it is time to wait.

        :param open_clients: how many were not yet told to go.
        :param closing: how many connections are on their way out.
        """
        self.wake_at = inf
        match self._lifecycle.state:
            case State.READY if self._lifecycle.is_told_to_leave:
                return self._enter(State.SETTLING)
            case State.SETTLING:
                return self._settle(now)
            case State.DRAINING:
                return self._let_go(now, open_clients) if open_clients else self._see_off(now, closing)
            case State.FLUSHING:
                return self._finish(now)
            case _:
                return []

    def _enter(self, state: State) -> list[Effect]:
        self._lifecycle.advance(state)
        return [Enter(state)]

    def _is_rushed(self, now: float) -> bool:
        return now >= self._rush_from

    def _latest(self, part: float) -> float:
        """Return when this part of the last seconds is over."""
        return inf if self._over_by == inf else self._rush_from + part * (self._over_by - self._rush_from)

    def _settle(self, now: float) -> list[Effect]:
        """Go on as before, until load balancers have noticed."""
        settled_at = self._told_at + self._settings.settle * self._part_of_needed()
        if now < settled_at and not self._is_rushed(now):
            self.wake_at = min(settled_at, self._rush_from)
            return []
        self._drained_by = now + self._settings.drain_max
        self._closed_at = now
        self._bucket = TokenBucket(now=now)
        return self._enter(State.DRAINING)

    def _part_of_needed(self) -> float:
        """Return which part of the time that leaving needs there is, 1 if there is more."""
        return min(1.0, (self._over_by - self._told_at) / self._settings.needed_grace)

    def _let_go(self, now: float, open_clients: int) -> list[Effect]:
        """Close clients at a pace, or all that are left."""
        if self._is_rushed(now):
            number, effects = open_clients, []
        else:
            effects = self._reckon(now, open_clients)
            number = min(open_clients, self._bucket.take(self._pace.rate, now=now))
            self.wake_at = min(now + TICK, self._rush_from)
        if number:
            self._closed_at = now
            effects.append(CloseClients(number))
        return effects

    def _reckon(self, now: float, open_clients: int) -> list[Effect]:
        """Work out the pace where that is due."""
        effects: list[Effect] = []
        if now - self._asked_at >= REVIEW:
            self._asked_at = now
            effects.append(AskNodes())
        if now - self._reckoned_at >= REVIEW:
            self._reckoned_at = now
            self._pace = self._pace_of(open_clients, longest=min(self._drained_by, self._rush_from) - now)
            if self._pace.is_forced and not self._was_forced:
                self._was_forced = True
                effects.append(Force(self._pace))
        return effects

    def _pace_of(self, open_clients: int, *, longest: float) -> Pace:
        return pace_of(
            open_clients,
            handshake_rate=self._settings.handshake_rate,
            ready=self._nodes[State.READY.value],
            draining=self._nodes[State.DRAINING.value],
            ceiling=self._settings.drain_rate,
            longest=longest,
        )

    def _see_off(self, now: float, closing: int) -> list[Effect]:
        """Wait until connections have closed, once told to exit."""
        self._pace = Pace(0.0, 0.0, is_forced=False)
        if not self._lifecycle.is_told_to_exit:
            return []
        patience = min(self._closed_at + self._settings.abort_timeout + SLACK, self._latest(_CLOSED))
        if closing and now < patience:
            self.wake_at = patience
            return []
        cut_off: list[Effect] = [CutOff()] if closing else []
        return [*cut_off, *self._enter(State.FLUSHING), *self._begin(Flush(), now)]

    def _begin(self, work: Flush | SignOff, now: float) -> list[Effect]:
        self._work, self._work_since, self._has_finished = work, now, False
        return [work]

    def _finish(self, now: float) -> list[Effect]:
        """Wait for what is under way, as long as there is time."""
        assert self._work is not None, "it begins with the state"
        is_flush = isinstance(self._work, Flush)
        patience = self._settings.flush_timeout if is_flush else self._settings.sign_off_timeout
        give_up_at = min(self._work_since + patience, self._latest(_FLUSHED if is_flush else _SIGNED_OFF))
        if not self._has_finished and now < give_up_at:
            self.wake_at = give_up_at
            return []
        given_up: list[Effect] = [] if self._has_finished else [GiveUp()]
        return [*given_up, *(self._begin(SignOff(), now) if is_flush else self._enter(State.STOPPED))]
