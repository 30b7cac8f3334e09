"""Clients that don't come back, or not as they should, are noticed."""

from __future__ import annotations

from tests.roll.judging.returning import (
    attempts_per_loss,
    close_codes,
    never_back,
    offline_gaps,
    quantile,
    reconnects_in_a_second,
    refused_handshakes,
)
from tests.roll.judging.short_log import (
    CLOSED_AT,
    CROWD,
    FEED,
    OFFLINE,
    ROOM,
    arrival,
    good_deploy,
    story_of,
    without,
    without_client,
)
from tests.roll.log import Attempt, Closed, Failed, Stalled, Subscribed

BACK_AT = CLOSED_AT["ana"] + OFFLINE


def test_client_that_never_tries_again_is_noticed() -> None:
    story = story_of(without_client(good_deploy(), "cas", since=CLOSED_AT["cas"] + 0.001))
    assert not never_back(story).is_ok
    assert never_back(story).measured == "1 of 3"


def test_client_that_lacks_one_of_its_subscriptions_is_not_back() -> None:
    story = story_of(without(good_deploy(), Subscribed(BACK_AT, "ana", FEED, None)))
    assert not never_back(story).is_ok


def test_client_that_is_not_to_come_back_is_not_missed() -> None:
    assert never_back(story_of(good_deploy())).measured == "0 of 3"


def test_handshake_answered_with_5xx_is_noticed() -> None:
    records = [*good_deploy(), Attempt(15.01, "ana"), Failed(15.0101, "ana", "status 503")]
    assert refused_handshakes(story_of(records)).measured == "1 status 503 (0 with 4100)"
    assert not refused_handshakes(story_of(records)).is_ok


def test_handshake_closed_with_4100_is_counted_and_allowed() -> None:
    records = [*good_deploy(), Attempt(15.01, "ana"), Failed(15.0101, "ana", "4100")]
    assert refused_handshakes(story_of(records)).measured == "0 (1 with 4100)"
    assert refused_handshakes(story_of(records)).is_ok


def test_gap_lasts_until_the_last_subscription_is_back() -> None:
    late = Subscribed(BACK_AT + 3.0, "ana", ROOM, ("ana", "ben", "leo"))
    records = [*without(good_deploy(), Subscribed(BACK_AT, "ana", ROOM, ("ana", "ben", "leo"))), late]
    verdict = offline_gaps(story_of(records))
    assert verdict.measured == "50 ms / 3.05 s / 3.05 s"
    assert not verdict.is_ok


def test_many_short_gaps_that_are_not_short_enough_are_noticed() -> None:
    records = good_deploy()
    for name in ("ana", "ben", "cas"):
        records = without_client(records, name, since=CLOSED_AT[name] + 0.001)
        records += arrival(CROWD[name], CLOSED_AT[name] + 0.2)
    assert not offline_gaps(story_of(records)).is_ok


def test_attempts_in_vain_are_noticed() -> None:
    records = [*good_deploy(), Attempt(15.001, "ana"), Failed(15.0011, "ana", "4100")]
    assert attempts_per_loss(story_of(records)).measured == "1.333 (3 lost)"
    assert not attempts_per_loss(story_of(records)).is_ok


def test_too_many_returns_in_a_second_are_noticed_wherever_it_begins() -> None:
    verdict = reconnects_in_a_second(story_of(good_deploy(), pace=2.0))
    assert verdict.measured == "3 with 1 leaving"
    assert not verdict.is_ok
    assert reconnects_in_a_second(story_of(good_deploy(), pace=3.0)).is_ok


def test_second_in_which_the_clients_stood_still_is_longer() -> None:
    stall = Stalled(15.3, 0.5)
    assert reconnects_in_a_second(story_of([*good_deploy(), stall], pace=2.0)).is_ok
    assert not reconnects_in_a_second(story_of([*good_deploy(), stall], pace=1.5)).is_ok


def test_stall_at_another_time_changes_nothing() -> None:
    assert not reconnects_in_a_second(story_of([*good_deploy(), Stalled(30.0, 0.5)], pace=2.0)).is_ok


def test_other_close_code_is_noticed() -> None:
    records = [*without(good_deploy(), Closed(15.0, "ana", 4200)), Closed(15.0, "ana", 1006)]
    assert close_codes(story_of(records)).measured == "1 x 1006, 3 x 4200"
    assert not close_codes(story_of(records)).is_ok


def test_quantile_of_hundred_values_is_the_one_above_that_many() -> None:
    values = [float(number) for number in range(100)]
    assert [quantile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [0.0, 50.0, 99.0, 99.0]
