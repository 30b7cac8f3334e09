"""How often a client may do something, by value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.protocol.allowance import Allowance


def test_a_full_bucket_is_spent_at_once_and_fills_evenly() -> None:
    allowance = Allowance(now=100.0)
    assert [allowance.spend(rate=2.0, burst=3.0, now=100.0) for _ in range(4)] == [True, True, True, False]
    assert not allowance.spend(rate=2.0, burst=3.0, now=100.4)
    assert allowance.spend(rate=2.0, burst=3.0, now=100.5)
    assert not allowance.spend(rate=2.0, burst=3.0, now=100.5)


def test_a_limit_that_was_raised_meanwhile_counts_at_once() -> None:
    allowance = Allowance(now=0.0)
    assert allowance.spend(rate=1.0, burst=1.0, now=0.0)
    assert not allowance.spend(rate=1.0, burst=1.0, now=0.0)
    assert allowance.spend(rate=10.0, burst=10.0, now=0.0)


@given(st.lists(st.floats(0.0, 2.0), max_size=200), st.floats(0.5, 50.0), st.floats(1.0, 100.0))
def test_no_more_is_spent_than_there_was_and_has_come(gaps: list[float], rate: float, burst: float) -> None:
    allowance, now, spent = Allowance(now=0.0), 0.0, 0
    for gap in gaps:
        now += gap
        spent += allowance.spend(rate=rate, burst=burst, now=now)
        assert spent <= burst + now * rate + 1e-6
