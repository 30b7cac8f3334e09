"""Troubles: each is told when it begins, now and then while it lasts, and when it is over."""

from __future__ import annotations

import logging
from itertools import pairwise

import pytest

from adapter.redis.errors import Kind
from adapter.redis.troubles import Side, Troubles

DOWN = {Kind.UNREACHABLE: "nobody there"}
EVICTING = {Kind.EVICTING: "it forgets"}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def troubles(clock: Clock) -> Troubles:
    return Troubles(clock)


@pytest.fixture(autouse=True)
def _all_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_a_trouble_that_is_noted_again_and_again_is_told_once(
    troubles: Troubles, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(50):
        troubles.note(Side.LINK, "r:1", DOWN)
    assert caplog.messages == ["can't use Redis, and tries again: nobody there"]


def test_one_that_lasts_is_told_again_less_and_less_often(
    troubles: Troubles, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    told_at = []
    for second in range(3601):
        clock.now = float(second)
        troubles.note(Side.LINK, "r:1", DOWN)
        if caplog.messages:
            told_at.append(second)
            caplog.clear()
    assert told_at[:6] == [0, 10, 30, 70, 150, 310]
    assert {later - earlier for earlier, later in pairwise(told_at[5:])} == {300}


def test_another_reason_is_told_at_once(troubles: Troubles, caplog: pytest.LogCaptureFixture) -> None:
    troubles.note(Side.LINK, "r:1", DOWN, is_told=True)
    troubles.note(Side.LINK, "r:1", {Kind.CREDENTIALS: "wrong password"})
    assert caplog.messages == ["can't use Redis, and tries again: wrong password"]
    assert [problem.kind for problem in troubles.problems()] == ["credentials"]


def test_a_link_and_a_server_have_troubles_of_their_own(troubles: Troubles, caplog: pytest.LogCaptureFixture) -> None:
    troubles.note(Side.LINK, "r:1", DOWN)
    troubles.note(Side.SERVER, "r:1", EVICTING)
    troubles.note(Side.LINK, "r:1", {})
    assert [(problem.where, problem.kind) for problem in troubles.problems()] == [("r:1", "evicting")]
    troubles.note(Side.SERVER, "r:1", {})
    assert troubles.problems() == []
    assert caplog.messages[-1] == "mended: Redis r:1, evicting"


def test_servers_do_not_mix(troubles: Troubles) -> None:
    troubles.note(Side.SERVER, "r:1", EVICTING)
    troubles.note(Side.SERVER, "r:2", {})
    troubles.note(Side.LINK, "r:2", DOWN)
    troubles.forget("r:2")
    assert [problem.where for problem in troubles.problems()] == ["r:1"]
