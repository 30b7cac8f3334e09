"""Announcements that nobody should hear, members that are missing, and ghosts are noticed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.roll.crowd import Guest
from tests.roll.judging import Terms, tell
from tests.roll.judging.presence import quiet_presence, removed_in_time, removed_once, rosters
from tests.roll.judging.short_log import BEN_BACK_AT, CROWD, ROOM, TERMS, arrival, good_deploy, story_of, without
from tests.roll.log import Announced, Began, Closed, Killed, Listed, Log, Over, Subscribed

REMOVAL = Announced(45.0, "ana", ROOM, "leo", is_added=False)


@pytest.mark.parametrize("is_added", [False, True], ids=["removed", "added"])
def test_announcement_of_a_user_that_came_back_is_noticed(is_added: bool) -> None:
    verdict = quiet_presence(story_of([*good_deploy(), Announced(15.3, "ana", ROOM, "ben", is_added)]))
    assert verdict.measured == "1 about 1 (3 watchers)"
    assert not verdict.is_ok


def test_announcement_before_it_counted_is_not_judged() -> None:
    assert quiet_presence(story_of([*good_deploy(), Announced(1.0, "ana", ROOM, "ben", is_added=True)])).is_ok


def test_member_that_a_node_does_not_list_is_noticed() -> None:
    records = [*good_deploy(), Listed(50.1, "node-3", ROOM, ("ana",))]
    assert rosters(story_of(records)).measured == "1 / 0 in 4 rosters"
    assert not rosters(story_of(records)).is_ok


def test_ghost_that_a_node_lists_is_noticed() -> None:
    records = [*good_deploy(), Listed(50.1, "node-3", ROOM, ("ana", "ben", "leo"))]
    assert rosters(story_of(records)).measured == "0 / 1 in 4 rosters"
    assert not rosters(story_of(records)).is_ok


def test_ghost_in_a_clients_copy_is_noticed() -> None:
    # The roster that ana was given when she came back had leo in it, and nobody told her that he is gone.
    assert rosters(story_of(without(good_deploy(), REMOVAL))).measured == "0 / 1 in 3 rosters"


def test_member_missing_in_a_clients_copy_is_noticed() -> None:
    right = Subscribed(BEN_BACK_AT, "ben", ROOM, ("ana", "ben", "leo"))
    records = [*without(good_deploy(), right), Subscribed(BEN_BACK_AT, "ben", ROOM, ("ben", "leo"))]
    assert rosters(story_of(records)).measured == "1 / 0 in 3 rosters"


def test_user_is_there_while_one_tab_is() -> None:
    second = Guest("ana-2", (ROOM,), user="ana")
    records = [*good_deploy(), *arrival(second, 1.0), Closed(15.7, "ana-2", 4200)]
    story = tell(Log(records), {**CROWD, "ana-2": second}, TERMS)
    assert rosters(story).is_ok


def test_member_removed_twice_is_noticed() -> None:
    verdict = removed_once(story_of([*good_deploy(), replace_at(REMOVAL, 45.2)]))
    assert verdict.measured == "1 of 2 (1 members)"
    assert not verdict.is_ok


def test_member_that_went_and_came_and_went_is_noticed() -> None:
    records = [*good_deploy(), Announced(45.1, "ana", ROOM, "leo", is_added=True), replace_at(REMOVAL, 45.2)]
    assert not removed_once(story_of(records)).is_ok


def test_removal_missed_by_who_was_there_all_the_time_is_noticed() -> None:
    # What ana's connection sees begins after the beginning, so she may have missed it; who never lost its own may not.
    steady = Guest("eve", (ROOM,), user="eve")
    records = [*good_deploy(), *arrival(steady, 1.0)]
    story = tell(Log(records), {**CROWD, "eve": steady}, TERMS)
    assert removed_once(story).measured == "1 of 3 (1 members)"
    assert removed_once(story_of(without(good_deploy(), REMOVAL))).is_ok


def test_removal_long_after_a_crash_is_noticed() -> None:
    records = [*good_deploy(), Killed(33.0, "node-9")]
    assert removed_in_time(story_of(records)).measured == "12.00 s"
    assert removed_in_time(story_of(records)).is_ok
    late = tell(Log(records), CROWD, replace(TERMS, crash_notice=11.9))
    assert not removed_in_time(late).is_ok


def test_crash_after_which_nobody_is_removed_is_noticed() -> None:
    records = [Began(1.0), Killed(2.0, "node-1"), Over(20.0), *arrival(CROWD["ana"], 0.5)]
    assert not removed_in_time(tell(Log(records), CROWD, Terms(pace=1.0, grace=1.0))).is_ok


def replace_at(record: Announced, at: float) -> Announced:
    return Announced(at, record.client, record.channel, record.user, record.is_added)
