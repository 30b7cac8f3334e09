"""When a leaving node does what: a course with the time in the test's hand, and nothing else."""

from __future__ import annotations

from math import inf
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.apps import App
from server.config import Settings
from server.leaving.course import SLACK, TICK, Course
from server.leaving.effects import AskNodes, CloseClients, CutOff, Effect, Enter, Flush, Force, GiveUp, SignOff
from server.lifecycle import Lifecycle, State

APP = App(id="1", key="k", secret="s")
_DEFAULTS = Settings(apps=(APP,))
RESERVE, LAST_SECOND, SIGN_OFF = _DEFAULTS.last_call, _DEFAULTS.hurry_timeout, _DEFAULTS.sign_off_timeout


class Voyage:
    """A course, and a world that does at once what it is told: closed clients close, flushes finish."""

    def __init__(self, clients: int, **settings: Any) -> None:
        self.lifecycle = Lifecycle()
        self.lifecycle.advance(State.READY)
        self.course = Course(self.lifecycle, Settings(apps=(APP,), **settings))
        self.clients = clients
        self.closing = 0
        self.now = 1_000.0
        # All there ever was, with its time.
        self.log: list[tuple[float, Effect]] = []
        # Whether clients answer close frames, and whether what is begun comes to an end.
        self.is_polite = self.is_quick = True

    def advance(self) -> list[Effect]:
        """Advance until it is time to wait; return what was decided."""
        decided: list[Effect] = []
        while effects := self.course.advance(now=self.now, open_clients=self.clients, closing=self.closing):
            decided += effects
            for effect in effects:
                self._carry_out(effect)
        self.log += [(self.now, effect) for effect in decided]
        return decided

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case CloseClients(number):
                self.clients -= number
                self.closing += 0 if self.is_polite else number
            case CutOff():
                self.closing = 0
            case Flush() | SignOff() if self.is_quick:
                self.course.finished(effect)

    def sail(self, until: float = inf) -> None:
        """Go on, from one waking to the next, to the end or to a time."""
        self.advance()
        while self.course.wake_at < inf and self.course.wake_at <= until:
            assert self.course.wake_at > self.now, "it wakes to do nothing"
            self.now = self.course.wake_at
            self.advance()
        self.now = max(self.now, until) if until != inf else self.now

    def began(self, state: State) -> float:
        """Return when a state began."""
        return next(at for at, effect in self.log if effect == Enter(state))

    def closes(self) -> list[tuple[float, int]]:
        return [(at, effect.number) for at, effect in self.log if isinstance(effect, CloseClients)]

    def done(self) -> list[type[Effect]]:
        return [type(effect) for _, effect in self.log if not isinstance(effect, CloseClients | AskNodes)]


def test_a_ready_node_waits_for_ever() -> None:
    voyage = Voyage(clients=3)
    assert voyage.advance() == []
    assert voyage.course.wake_at == inf


def test_told_to_exit_it_settles_drains_flushes_signs_off_and_stops() -> None:
    voyage = Voyage(clients=400, settle=5.0, drain_rate=200.0)
    voyage.course.exit(now=1_000.0)
    voyage.sail()
    assert voyage.done() == [Enter, Enter, Enter, Flush, SignOff, Enter]
    assert voyage.began(State.SETTLING) == 1_000.0
    assert voyage.began(State.DRAINING) == 1_005.0
    assert voyage.began(State.FLUSHING) == pytest.approx(1_007.0, abs=0.1)
    assert sum(number for _, number in voyage.closes()) == 400


def test_while_it_settles_it_closes_nobody_and_wakes_when_that_is_over() -> None:
    voyage = Voyage(clients=3, settle=5.0)
    voyage.course.exit(now=1_000.0)
    assert voyage.advance() == [Enter(State.SETTLING)]
    assert voyage.course.wake_at == 1_005.0
    voyage.now = 1_004.9
    assert voyage.advance() == []


def test_connections_that_are_closing_already_when_nobody_is_left_get_the_time_of_all_others() -> None:
    voyage = Voyage(clients=0, settle=5.0, abort_timeout=5.0)
    voyage.closing = 2
    voyage.course.exit(now=1_000.0)
    voyage.sail()
    assert [at for at, effect in voyage.log if effect == CutOff()] == [1_005.0 + 5.0 + SLACK]


def test_no_second_has_more_closes_than_agreed_also_after_the_node_stood_still() -> None:
    voyage = Voyage(clients=2_000, drain_rate=100.0)
    voyage.course.exit(now=1_000.0)
    voyage.sail(until=1_003.0)
    # As when the machine was stopped, or the event loop had something else to do.
    voyage.now += 4.0
    voyage.sail()
    closes = voyage.closes()
    assert max(sum(n for at, n in closes if start <= at < start + 1.0) for start, _ in closes) <= 110


def test_the_pace_is_that_of_the_nodes_that_are_ready_shared_by_those_that_drain() -> None:
    voyage = Voyage(clients=600, handshake_rate=100.0, drain_rate=1_000.0)
    voyage.course.exit(now=1_000.0)
    assert AskNodes() in voyage.advance()
    voyage.course.hear(["ready", "ready", "draining", "draining", "draining", "settling", "starting"])
    voyage.advance()
    assert voyage.course.rate == pytest.approx(0.5 * 100 * 2 / 3)


def test_the_nodes_are_asked_again_while_it_lasts() -> None:
    voyage = Voyage(clients=600, drain_rate=100.0)
    voyage.course.exit(now=1_000.0)
    voyage.sail()
    asked = [at for at, effect in voyage.log if isinstance(effect, AskNodes)]
    assert asked == pytest.approx([1_000.0, 1_002.0, 1_004.0], abs=2 * TICK)


def test_nodes_that_cannot_be_asked_leave_the_ceiling() -> None:
    voyage = Voyage(clients=600, drain_rate=100.0)
    voyage.course.exit(now=1_000.0)
    voyage.advance()
    voyage.course.hear([])
    voyage.advance()
    assert voyage.course.rate == 100.0


def test_too_many_for_drain_max_are_closed_faster_and_that_is_said_once() -> None:
    voyage = Voyage(clients=5_000, drain_rate=10.0, drain_max=5.0)
    voyage.course.exit(now=1_000.0)
    voyage.sail()
    (forced,) = [effect for _, effect in voyage.log if isinstance(effect, Force)]
    assert forced.pace.rate == 1_000.0
    assert voyage.began(State.FLUSHING) == pytest.approx(1_005.0, abs=0.2)


def test_drained_without_being_told_to_exit_it_stays_and_exits_later_without_settling_again() -> None:
    voyage = Voyage(clients=10, settle=5.0)
    voyage.course.drain(now=1_000.0)
    voyage.sail()
    assert (voyage.lifecycle.state, voyage.clients, voyage.course.wake_at) == (State.DRAINING, 0, inf)
    assert voyage.course.rate == 0.0
    voyage.now = 4_600.0
    voyage.course.exit(now=voyage.now)
    voyage.sail()
    assert voyage.began(State.STOPPED) == 4_600.0


def test_told_twice_to_drain_is_told_once() -> None:
    voyage = Voyage(clients=10, settle=5.0)
    voyage.course.drain(now=1_000.0)
    voyage.sail(until=1_003.0)
    voyage.course.drain(now=1_003.0)
    voyage.sail()
    assert voyage.began(State.DRAINING) == 1_005.0


def test_told_to_exit_while_it_drains_it_goes_on_at_its_pace() -> None:
    voyage = Voyage(clients=1_000, drain_rate=100.0)
    voyage.course.drain(now=1_000.0)
    voyage.sail(until=1_005.0)
    voyage.course.exit(now=1_005.0)
    voyage.sail()
    assert voyage.began(State.FLUSHING) == pytest.approx(1_010.0, abs=0.2)


@pytest.mark.parametrize("after", [0.0, 2.0, 10.0], ids=["at once", "while settling", "while draining"])
def test_told_twice_to_exit_it_closes_all_at_once_and_is_gone_within_a_second(after: float) -> None:
    voyage = Voyage(clients=1_000, settle=5.0, drain_rate=50.0)
    voyage.is_polite = voyage.is_quick = False
    voyage.course.exit(now=1_000.0)
    if after:
        voyage.sail(until=1_000.0 + after)
    left = voyage.clients
    voyage.course.exit(now=voyage.now)
    voyage.sail()
    assert voyage.closes()[-1] == (1_000.0 + after, left)
    assert voyage.done()[-7:] == [CutOff, Enter, Flush, GiveUp, SignOff, GiveUp, Enter]
    assert voyage.now <= 1_000.0 + after + LAST_SECOND


def test_told_a_second_time_while_it_flushes_it_gives_that_up() -> None:
    voyage = Voyage(clients=0)
    voyage.is_quick = False
    voyage.course.exit(now=1_000.0)
    voyage.sail(until=1_001.0)
    assert voyage.lifecycle.state is State.FLUSHING
    voyage.course.exit(now=1_001.0)
    voyage.sail()
    assert voyage.now <= 1_001.0 + LAST_SECOND


def test_two_seconds_before_the_end_of_grace_all_that_is_left_is_closed_and_the_rest_fits() -> None:
    voyage = Voyage(clients=10_000, drain_rate=1.0, drain_max=60.0, grace=78.0)
    voyage.is_polite = voyage.is_quick = False
    voyage.course.exit(now=1_000.0)
    voyage.sail(until=1_001.0)
    # The machine was stopped for a while: nothing else can make it late.
    voyage.now = 1_000.0 + 78.0 - RESERVE
    left = voyage.clients
    voyage.sail()
    assert voyage.closes()[-1] == (1_000.0 + 78.0 - RESERVE, left)
    assert voyage.now < 1_000.0 + 78.0


def test_who_does_not_answer_is_cut_off_a_second_after_abort_timeout() -> None:
    voyage = Voyage(clients=10, abort_timeout=5.0)
    voyage.is_polite = False
    voyage.course.exit(now=1_000.0)
    voyage.sail()
    last = voyage.closes()[-1][0]
    assert [at - last for at, effect in voyage.log if isinstance(effect, CutOff)] == [6.0]


def test_what_never_ends_is_given_up_in_its_time() -> None:
    voyage = Voyage(clients=0, flush_timeout=3.0)
    voyage.is_quick = False
    voyage.course.exit(now=1_000.0)
    voyage.sail()
    assert voyage.now == 1_000.0 + 3.0 + SIGN_OFF


def test_what_was_given_up_can_no_longer_finish_anything() -> None:
    voyage = Voyage(clients=0, flush_timeout=3.0)
    voyage.is_quick = False
    voyage.course.exit(now=1_000.0)
    voyage.sail(until=1_004.0)
    (flush,) = [effect for _, effect in voyage.log if isinstance(effect, Flush)]
    voyage.course.finished(flush)
    assert voyage.advance() == []


# A known deadline


def test_with_little_time_settling_is_shortened_and_clients_go_faster() -> None:
    voyage = Voyage(clients=3_000, settle=5.0, drain_rate=10.0)
    voyage.course.drain(now=1_000.0, within=25.0)
    voyage.sail()
    assert voyage.began(State.DRAINING) == pytest.approx(1_000.0 + 5.0 * 25 / 83)
    assert voyage.closes()[-1][0] <= 1_023.1
    assert max(number for _, number in voyage.closes()) < 50


def test_with_no_time_at_all_everybody_goes_at_once() -> None:
    voyage = Voyage(clients=3_000, settle=5.0)
    voyage.course.drain(now=1_000.0, within=1.0)
    voyage.sail()
    assert voyage.closes() == [(1_000.0, 3_000)]


def test_with_plenty_of_time_nothing_is_shortened() -> None:
    voyage = Voyage(clients=3_000, settle=5.0, drain_rate=100.0)
    voyage.course.drain(now=1_000.0, within=600.0)
    voyage.sail()
    assert voyage.began(State.DRAINING) == 1_005.0
    assert voyage.closes()[-1][0] == pytest.approx(1_035.0, abs=0.2)


def test_an_earlier_deadline_counts_and_a_later_one_does_not() -> None:
    voyage = Voyage(clients=3_000, drain_rate=10.0)
    voyage.course.drain(now=1_000.0, within=30.0)
    voyage.course.drain(now=1_000.0, within=10.0)
    voyage.course.drain(now=1_000.0, within=60.0)
    voyage.sail()
    assert voyage.closes()[-1][0] == pytest.approx(1_008.0, abs=0.2)


def test_before_a_deadline_whoever_does_not_finish_is_given_up_in_turn() -> None:
    voyage = Voyage(clients=10)
    voyage.is_polite = voyage.is_quick = False
    voyage.course.exit(now=1_000.0)
    voyage.course.drain(now=1_000.0, within=RESERVE)
    voyage.sail()
    given_up = [(at, type(effect)) for at, effect in voyage.log if isinstance(effect, CutOff | GiveUp)]
    parts = [(1_000.0 + part * RESERVE, kind) for part, kind in ((0.5, CutOff), (0.7, GiveUp), (0.9, GiveUp))]
    assert given_up == parts
    assert voyage.began(State.STOPPED) < 1_000.0 + RESERVE


def test_a_deadline_that_has_passed_is_none_for_the_exit() -> None:
    voyage = Voyage(clients=10)
    voyage.course.drain(now=1_000.0, within=10.0)
    voyage.sail()
    voyage.now = 2_000.0
    voyage.is_quick = False
    voyage.course.exit(now=2_000.0)
    voyage.sail(until=2_001.0)
    assert (voyage.lifecycle.state, voyage.done()[-1]) == (State.FLUSHING, Flush)


@given(
    clients=st.integers(0, 5_000),
    settle=st.floats(0.0, 30.0),
    drain_max=st.floats(1.0, 60.0),
    rate=st.floats(1.0, 500.0),
    stalls=st.lists(st.tuples(st.floats(0.0, 100.0), st.floats(0.0, 30.0)), max_size=3),
    is_polite=st.booleans(),
    is_quick=st.booleans(),
)
def test_whatever_happens_it_is_gone_within_grace_and_has_told_everybody(
    clients: int,
    settle: float,
    drain_max: float,
    rate: float,
    stalls: list[tuple[float, float]],
    is_polite: bool,
    is_quick: bool,
) -> None:
    grace = settle + drain_max + 18.0
    voyage = Voyage(clients, settle=settle, drain_max=drain_max, drain_rate=rate, grace=grace + 1e-6)
    voyage.is_polite, voyage.is_quick = is_polite, is_quick
    voyage.course.exit(now=1_000.0)
    for at, seconds in sorted(stalls):
        voyage.sail(until=max(voyage.now, min(1_000.0 + at, 1_000.0 + grace - RESERVE)))
        voyage.now = min(voyage.now + seconds, 1_000.0 + grace - RESERVE)
    voyage.sail()
    assert voyage.lifecycle.state is State.STOPPED
    assert voyage.now <= 1_000.0 + grace
    assert sum(number for _, number in voyage.closes()) == clients


_ORDERS = st.lists(
    st.tuples(st.floats(0.0, 40.0), st.one_of(st.none(), st.floats(0.0, 60.0), st.just("exit"))), max_size=6
)
"""Seconds to wait, and then: to drain, within a time or not, or to exit."""


@settings(max_examples=50)
@given(clients=st.integers(0, 3_000), settle=st.floats(0.0, 30.0), orders=_ORDERS, is_polite=st.booleans())
def test_whatever_it_is_told_in_whatever_order_the_earliest_deadline_is_kept_and_everybody_told(
    clients: int, settle: float, orders: list[tuple[float, float | str | None]], is_polite: bool
) -> None:
    grace = settle + 78.0 + 1e-6
    voyage = Voyage(clients, settle=settle, drain_rate=50.0, grace=grace)
    voyage.is_polite = voyage.is_quick = is_polite
    empty_by = gone_by = inf
    exits = 0
    for wait, order in [*orders, (0.0, "exit")]:
        voyage.sail(until=voyage.now + wait)
        if voyage.lifecycle.state is State.STOPPED:
            break
        if order == "exit":
            exits += 1
            gone_by = min(gone_by, voyage.now + (grace if exits == 1 else LAST_SECOND))
            voyage.course.exit(now=voyage.now)
        else:
            within = cast("float | None", order)
            empty_by = min(empty_by, inf if within is None else voyage.now + max(0.0, within - RESERVE))
            voyage.course.drain(now=voyage.now, within=within)
    voyage.sail()
    assert voyage.lifecycle.state is State.STOPPED
    assert voyage.began(State.STOPPED) <= gone_by + 1e-6
    closes = voyage.closes()
    assert sum(number for _, number in closes) == clients
    assert not closes or closes[-1][0] <= empty_by + TICK
