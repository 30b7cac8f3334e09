"""How fast a leaving node lets go, by value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.leaving.pace import BURST, Pace, TokenBucket, pace_of


@pytest.mark.parametrize(
    ("sockets", "ready", "draining", "expected"),
    [
        # Four of five nodes stay: the ceiling counts, not what they could take.
        (10_000, 4, 1, Pace(rate=200.0, window=50.0, is_forced=False)),
        # One ready node has to take the clients of four: half of its 400 handshakes, a quarter of that for each.
        (1_000, 1, 4, Pace(rate=50.0, window=20.0, is_forced=False)),
        # There is no time for that.
        (30_000, 4, 1, Pace(rate=500.0, window=60.0, is_forced=True)),
        # Even a few are spread over a second.
        (20, 4, 1, Pace(rate=20.0, window=1.0, is_forced=False)),
        # Nobody to be spared.
        (1_000, 0, 1, Pace(rate=200.0, window=5.0, is_forced=False)),
    ],
)
def test_the_pace_is_what_the_others_can_take(sockets: int, ready: int, draining: int, expected: Pace) -> None:
    pace = pace_of(sockets, handshake_rate=400.0, ready=ready, draining=draining, ceiling=200.0, longest=60.0)
    assert pace == expected


@given(
    sockets=st.integers(1, 100_000),
    ready=st.integers(0, 50),
    draining=st.integers(0, 50),
    longest=st.floats(-10.0, 600.0),
)
def test_the_window_is_kept_and_the_ceiling_is_passed_only_when_forced(
    sockets: int, ready: int, draining: int, longest: float
) -> None:
    pace = pace_of(sockets, handshake_rate=1000.0, ready=ready, draining=draining, ceiling=200.0, longest=longest)
    assert pace.window <= max(1.0, longest)
    assert pace.rate * pace.window == pytest.approx(sockets)
    assert pace.is_forced or pace.rate <= 200.0 * (1 + 1e-9)


@given(st.lists(st.floats(0.001, 0.04), min_size=1, max_size=200), st.floats(1.0, 5_000.0))
def test_tokens_come_at_the_rate_and_never_run_ahead(gaps: list[float], rate: float) -> None:
    bucket, now, taken = TokenBucket(now=100.0), 100.0, 0
    for gap in gaps:
        now += gap
        taken += bucket.take(rate, now=now)
        assert taken <= (now - 100.0) * rate + 1.0 + 1e-3
        # What is kept for the next time may be cut by the bound, but never what a tick brings.
        assert rate * BURST < 2.0 or taken >= (now - 100.0) * rate * 0.5 - 1.0


@given(st.lists(st.sampled_from([0.02, 0.03, 0.3, 2.5]), min_size=1, max_size=300), st.floats(20.0, 2_000.0))
def test_no_second_has_more_than_the_pace_and_a_tenth_also_after_standing_still(gaps: list[float], rate: float) -> None:
    bucket, now, taken = TokenBucket(now=0.0), 0.0, list[tuple[float, int]]()
    for gap in gaps:
        now += gap
        taken.append((now, bucket.take(rate, now=now)))
        in_a_second = sum(number for at, number in taken if at > now - 1.0)
        assert in_a_second <= 1.05 * rate + 1.0


def test_a_node_that_stood_still_does_not_make_up_for_it() -> None:
    bucket = TokenBucket(now=0.0)
    assert bucket.take(200.0, now=5.0) == 10
    assert bucket.take(200.0, now=5.1) == 10
