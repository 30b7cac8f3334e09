"""What of a shard's messages is news."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapter.redis.shard.intake import MOST_KEPT, Intake


def a_live_intake(seen: int = 0) -> Intake[int]:
    intake: Intake[int] = Intake()
    intake.skip_to(seen)
    assert intake.resume() == []
    return intake


def test_what_was_seen_is_not_delivered_again() -> None:
    intake = a_live_intake(10)
    assert not intake.arrived(10, 10, 1)
    assert intake.arrived(12, 12, 1)
    assert not intake.arrived(12, 12, 1)


def test_a_barrier_moves_what_was_seen_but_never_back() -> None:
    intake = a_live_intake(10)
    intake.passed(20)
    intake.passed(15)
    assert not intake.arrived(20, 20, 1)
    assert intake.arrived(21, 21, 1)


def test_a_barrier_means_nothing_while_the_link_is_mended() -> None:
    intake = a_live_intake(10)
    intake.keep_aside()
    intake.passed(20)
    assert intake.read(11)


def test_what_is_kept_aside_follows_what_was_read() -> None:
    intake = a_live_intake(10)
    intake.keep_aside()
    for position in (12, 13, 15):
        assert not intake.arrived(position, position, 1)
    assert all(intake.read(position) for position in (11, 12, 13))
    assert intake.resume() == [(15, 15)]
    assert not intake.arrived(15, 15, 1)


def test_what_was_kept_aside_before_a_second_break_is_left_to_the_journal() -> None:
    intake = a_live_intake(10)
    intake.keep_aside()
    intake.arrived(12, 12, 1)
    intake.keep_aside()
    assert intake.read(11)
    assert intake.resume() == []


def test_a_hole_in_the_journal_is_noticed() -> None:
    intake = a_live_intake(10)
    intake.keep_aside()
    assert intake.read(11)
    assert not intake.read(13)


def test_too_much_kept_aside_is_dropped_and_that_is_known() -> None:
    intake = a_live_intake()
    intake.keep_aside()
    intake.arrived(1, 1, MOST_KEPT)
    intake.arrived(2, 2, 1)
    assert intake.has_overflowed
    intake.keep_aside()
    assert not intake.has_overflowed
    intake.arrived(3, 3, 1)
    assert intake.read(1)
    assert intake.read(2)
    assert intake.resume() == [(3, 3)]


@given(data=st.data(), cuts=st.lists(st.integers(1, 40), max_size=4), length=st.integers(1, 40))
def test_all_of_interest_is_delivered_once_and_in_order_however_often_it_is_cut(
    data: st.DataObject, cuts: list[int], length: int
) -> None:
    """A log of positions, of which some are of interest; the subscription is cut, and mended some messages later."""
    interesting = set(data.draw(st.lists(st.integers(1, length))))
    intake = a_live_intake()
    delivered: list[int] = []
    mended_at = 0
    for position in range(1, length + 1):
        if position in cuts and mended_at == 0:
            intake.keep_aside()
            lost_until = position + data.draw(st.integers(0, 3))
            mended_at = lost_until + data.draw(st.integers(0, 3))
        is_lost = mended_at and position < lost_until
        if position in interesting and not is_lost and intake.arrived(position, position, 1):
            delivered.append(position)
        if mended_at and (position >= mended_at or position == length):
            for entry in range(intake.seen + 1, position + 1):
                assert intake.read(entry)
                delivered += [entry] if entry in interesting else []
            delivered += [item for _, item in intake.resume()]
            mended_at = 0
        elif not mended_at and data.draw(st.booleans()):
            intake.passed(position)
    assert delivered == sorted(interesting)
