"""Nodes that don't end well, or not in time, are noticed."""

from __future__ import annotations

import pytest

from tests.roll.judging.exits import complaints, exit_statuses, exit_times, undelayed_exits, untold_exit
from tests.roll.judging.short_log import good_deploy, story_of, without
from tests.roll.log import Complained, Exited

EXIT = Exited(16.0, "node-1", 0)


@pytest.mark.parametrize("status", [1, -9])
def test_other_exit_status_is_noticed(status: int) -> None:
    story = story_of([*without(good_deploy(), EXIT), Exited(16.0, "node-1", status)])
    assert exit_statuses(story).measured == str(status)
    assert not exit_statuses(story).is_ok


def test_node_that_does_not_end_is_noticed() -> None:
    story = story_of(without(good_deploy(), EXIT))
    assert exit_statuses(story).measured == exit_times(story).measured == "still runs"
    assert not exit_statuses(story).is_ok
    assert not exit_times(story).is_ok
    assert not undelayed_exits(story).is_ok
    assert not untold_exit(story).is_ok


def test_exit_after_the_grace_period_is_noticed() -> None:
    story = story_of([*without(good_deploy(), EXIT), Exited(42.5, "node-1", -9)])
    assert exit_times(story).measured == "30.50 s"
    assert not exit_times(story).is_ok


def test_drain_that_stubborn_clients_delay_is_noticed() -> None:
    story = story_of([*without(good_deploy(), EXIT), Exited(20.5, "node-1", 1)])
    assert undelayed_exits(story).measured == "8.50 s"
    assert not undelayed_exits(story).is_ok
    assert undelayed_exits(story_of(good_deploy())).is_ok


def test_exit_that_pretends_to_have_told_everybody_is_noticed() -> None:
    assert not untold_exit(story_of(good_deploy())).is_ok
    assert untold_exit(story_of([*without(good_deploy(), EXIT), Exited(16.0, "node-1", 1)])).is_ok


def test_error_in_a_nodes_log_is_noticed() -> None:
    story = story_of([*good_deploy(), Complained(50.0, "node-2", "Traceback")])
    assert complaints(story).measured == "1: node-2: Traceback"
    assert not complaints(story).is_ok
