"""An allowance that fills evenly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapter.bucket import Bucket


def test_a_full_bucket_can_be_spent_at_once_and_then_as_it_fills() -> None:
    bucket = Bucket()
    assert [bucket.spend(1, 3, 5.0).is_granted for _ in range(4)] == [True, True, True, False]
    assert [bucket.spend(1, 3, 5.34).is_granted for _ in range(2)] == [True, False]


def test_a_refusal_costs_nothing_and_tells_when_to_come_back() -> None:
    bucket = Bucket()
    bucket.spend(10, 10, 0.0)
    refused = [bucket.spend(5, 10, 0.1) for _ in range(3)]
    assert [(answer.is_granted, answer.remaining) for answer in refused] == [(False, 1)] * 3
    assert refused[-1].wait == 0.4
    assert bucket.spend(5, 10, 0.1 + refused[-1].wait).is_granted


def test_what_is_owed_is_paid_before_anything_else_is_granted() -> None:
    bucket = Bucket()
    assert bucket.spend(100, 10, 0.0).is_granted
    assert not bucket.spend(1, 10, 9.0).is_granted
    assert bucket.spend(1, 10, 9.2).is_granted


def test_a_bucket_is_full_again_in_its_time() -> None:
    bucket = Bucket()
    bucket.spend(8, 8, 0.0)
    assert not bucket.is_full(0.75)
    assert bucket.is_full(1.0)


def test_a_lower_rate_does_not_wait_for_what_was_spent_at_a_higher_one() -> None:
    bucket = Bucket()
    bucket.spend(10_000, 10_000, 0.0)
    refused = bucket.spend(1, 10, 0.0)
    assert (refused.is_granted, refused.wait, refused.reset) == (False, 0.1, 1.0)
    assert bucket.spend(1, 10, 0.1).is_granted


def test_a_higher_rate_is_no_gift() -> None:
    bucket = Bucket()
    bucket.spend(10, 10, 0.0)
    assert not bucket.spend(1, 10_000, 0.0).is_granted


@given(
    rate=st.integers(1, 50),
    steps=st.lists(st.tuples(st.floats(0, 2), st.integers(1, 80)), max_size=60),
)
def test_in_any_time_no_more_is_granted_than_rate_and_burst_and_one_large_amount(
    rate: int, steps: list[tuple[float, int]]
) -> None:
    bucket, now = Bucket(), 0.0
    granted: list[tuple[float, int]] = []
    for pause, amount in steps:
        now += pause
        if bucket.spend(amount, rate, now).is_granted:
            granted.append((now, amount))
    largest = max((amount for _, amount in granted), default=0)
    for start, _ in granted:
        for end, _ in granted:
            total = sum(amount for at, amount in granted if start <= at <= end)
            assert total <= rate * (max(0.0, end - start) + 1) + largest + 0.001
