"""Events that are lost, doubled or out of order are noticed, and publishes that fail."""

from __future__ import annotations

import pytest

from tests.roll.judging.delivery import events, publishes
from tests.roll.judging.short_log import DELIVERY, FEED, ROOM, good_deploy, story_of, without, without_client
from tests.roll.log import Published, Received


def _received(client: str, channel: str, number: int) -> Received:
    return Received(number + 0.5 + DELIVERY, client, channel, number)


@pytest.mark.parametrize("number", [1, 30, 48], ids=["the first", "in between", "the last"])
def test_event_that_one_client_missed_is_noticed(number: int) -> None:
    verdict = events(story_of(without(good_deploy(), _received("cas", FEED, number))))
    assert verdict.measured.startswith("1 / 0 / 0 of ")
    assert not verdict.is_ok


def test_event_missed_shortly_before_the_close_is_noticed() -> None:
    # Accepted at 13.51 s; the client is closed at 15 s.
    assert not events(story_of(without(good_deploy(), _received("ana", ROOM, 13)))).is_ok


def test_event_accepted_in_the_last_half_second_of_a_connection_may_be_under_way() -> None:
    assert events(story_of(without(good_deploy(), _received("ana", ROOM, 14)))).is_ok


def test_silence_after_coming_back_is_noticed() -> None:
    records = good_deploy()
    records = [record for record in records if not isinstance(record, Received) or record.at < 20]
    assert not events(story_of(records)).is_ok


def test_event_that_was_published_while_a_client_was_away_is_not_missed() -> None:
    story = story_of(without_client(good_deploy(), "leo", since=15.5))
    assert events(story).is_ok


def test_event_that_came_twice_is_noticed() -> None:
    again = Received(30.9, "ben", ROOM, 30)
    verdict = events(story_of([*good_deploy(), again]))
    assert verdict.measured.startswith("0 / 1 / 0 of ")
    assert not verdict.is_ok


def test_repetition_much_later_is_no_other_order() -> None:
    assert events(story_of([*good_deploy(), Received(35.9, "ben", ROOM, 30)])).measured.startswith("0 / 1 / 0 of ")


def test_other_order_is_noticed() -> None:
    records = without(good_deploy(), _received("ben", ROOM, 30))
    verdict = events(story_of([*records, Received(31.9, "ben", ROOM, 30)]))
    assert verdict.measured.startswith("0 / 0 / 1 of ")
    assert not verdict.is_ok


def test_event_that_was_refused_but_delivered_is_no_fault_of_delivery() -> None:
    accepted = Published(30.5, 30.51, FEED, 30, 200)
    story = story_of([*without(good_deploy(), accepted), Published(30.5, 30.51, FEED, 30, 503)])
    assert events(story).is_ok


@pytest.mark.parametrize(("status", "shown"), [(503, "503"), (0, "no answer")])
def test_publish_that_is_not_answered_with_200_is_noticed(status: int, shown: str) -> None:
    records = [*good_deploy(), Published(30.6, 30.7, FEED, 1_000, status)]
    verdict = publishes(story_of(records))
    assert verdict.measured.startswith(f"1 x {shown} of ")
    assert not verdict.is_ok


def test_publish_before_it_counted_is_not_judged() -> None:
    assert publishes(story_of([*good_deploy(), Published(5.0, 5.1, FEED, 1_000, 503)])).is_ok
