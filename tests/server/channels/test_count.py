from __future__ import annotations

from server.channels.count import INTERVAL, LARGE, CountThrottle


def a_count(total: int) -> CountThrottle:
    count = CountThrottle()
    count.total = total
    return count


def test_nothing_is_due_while_nothing_has_changed() -> None:
    count = CountThrottle()
    assert count.due is None
    assert count.take(1000.0) is None


def test_in_a_small_channel_each_change_is_told_at_once() -> None:
    count = a_count(1)
    assert count.take(1000.0) == 1
    assert count.take(1000.0) is None
    count.total = LARGE
    assert count.take(1000.0) == LARGE
    count.total = 0
    assert count.take(1000.0) == 0


def test_a_change_that_was_undone_before_it_was_told_is_not_told() -> None:
    count = a_count(1)
    count.take(1000.0)
    count.total = 2
    count.total = 1
    assert count.take(1000.0) is None


def test_in_a_large_channel_changes_are_told_together_with_the_last_number() -> None:
    count = a_count(LARGE + 1)
    assert count.take(1000.0) == LARGE + 1
    count.total = LARGE + 2
    assert count.take(1000.0) is None
    count.total = LARGE + 3
    assert count.due == 1000.0 + INTERVAL
    assert count.take(1000.0 + INTERVAL - 0.01) is None
    assert count.take(1000.0 + INTERVAL) == LARGE + 3
    assert count.due is None


def test_a_channel_that_has_become_small_again_does_not_wait() -> None:
    count = a_count(LARGE + 1)
    count.take(1000.0)
    count.total = LARGE
    assert count.take(1000.0) == LARGE
