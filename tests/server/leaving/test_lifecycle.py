"""The states of a node, by value."""

from __future__ import annotations

import pytest

from server.lifecycle import Lifecycle, State


def a_ready_node() -> Lifecycle:
    lifecycle = Lifecycle()
    lifecycle.advance(State.READY)
    return lifecycle


def test_a_starting_node_is_not_ready_and_not_leaving() -> None:
    lifecycle = Lifecycle()
    assert not lifecycle.is_ready
    assert not lifecycle.is_told_to_leave


def test_a_node_is_not_ready_from_the_moment_it_is_told() -> None:
    lifecycle = a_ready_node()
    assert lifecycle.is_ready
    lifecycle.exit()
    assert (lifecycle.state, lifecycle.is_ready, lifecycle.is_told_to_leave) == (State.READY, False, True)


def test_handshakes_are_turned_away_only_once_the_node_drains() -> None:
    lifecycle = a_ready_node()
    lifecycle.exit()
    lifecycle.advance(State.SETTLING)
    assert not lifecycle.turns_away
    lifecycle.advance(State.DRAINING)
    assert lifecycle.turns_away


def test_told_to_exit_twice_it_hurries_and_told_to_drain_first_it_does_not() -> None:
    lifecycle = a_ready_node()
    lifecycle.drain()
    assert not lifecycle.is_told_to_exit
    lifecycle.exit()
    assert lifecycle.is_told_to_exit
    assert not lifecycle.is_hurrying
    lifecycle.exit()
    assert lifecycle.is_hurrying


def test_a_node_that_is_starting_may_stop_without_ever_being_ready() -> None:
    lifecycle = Lifecycle()
    lifecycle.exit()
    lifecycle.advance(State.STOPPED)
    assert lifecycle.turns_away


@pytest.mark.parametrize("state", [State.STARTING, State.READY, State.DRAINING, State.FLUSHING, State.STOPPED])
def test_states_are_not_skipped(state: State) -> None:
    with pytest.raises(AssertionError, match="can't follow"):
        a_ready_node().advance(state)
