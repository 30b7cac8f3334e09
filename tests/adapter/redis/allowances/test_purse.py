"""What a node holds of an allowance."""

from __future__ import annotations

from adapter.redis.allowances.purse import LIFETIME, Purse


def a_purse(granted: int = 0, rate: int = 100) -> Purse:
    purse = Purse(rate, 0.0)
    purse.drawn(granted, granted, 0.0, asked_at=0.0, rest=0.25)
    return purse


def test_a_portion_is_spent_until_nothing_is_left() -> None:
    purse = a_purse(3)
    assert [purse.spend(amount, 0.1) for amount in (2, 2, 1, 1)] == [True, False, True, False]


def test_the_oldest_portion_is_spent_first_and_an_amount_may_take_several() -> None:
    purse = a_purse(3)
    purse.drawn(4, 4, 0.0, asked_at=0.5, rest=0.25)
    assert purse.spend(5, 0.9)
    # The rest is of the second portion.
    assert purse.spend(2, LIFETIME + 0.1)
    assert not purse.spend(1, LIFETIME + 0.1)


def test_a_portion_lapses_a_second_after_it_was_asked_for() -> None:
    purse = a_purse(10)
    assert purse.spend(1, LIFETIME - 0.01)
    assert not purse.spend(1, LIFETIME)


def test_what_lapses_is_what_was_left_of_a_portion() -> None:
    purse = a_purse(10)
    assert purse.spend(3, 0.5)
    assert not purse.spend(1, LIFETIME)
    purse.drawn(5, 5, 0.0, asked_at=LIFETIME, rest=0.25)
    assert not purse.spend(6, LIFETIME)
    assert purse.spend(5, LIFETIME)


def test_what_has_lapsed_is_drawn_anew() -> None:
    purse = a_purse(4)
    assert purse.wishes(10, 10, LIFETIME)[:2] == (10, 10)


def test_a_portion_is_what_half_a_second_takes() -> None:
    purse = a_purse()
    for number in range(40):
        purse.note(1, number / 40)
    assert purse.wishes(1, 1, 1.0) == (1, 1, 20)


def test_a_portion_is_measured_by_the_fuller_of_this_second_and_the_one_before_it() -> None:
    purse = a_purse()
    purse.note(40, 0.5)
    purse.note(10, 1.0)
    assert purse.wishes(1, 1, 1.0)[2] == 20
    purse.note(10, 2.0)
    assert purse.wishes(1, 1, 2.0)[2] == 5
    purse.note(40, 2.5)
    purse.note(4, 4.0)
    assert purse.wishes(1, 1, 4.0)[2] == 2, "what was before a pause says nothing"


def test_a_portion_is_small_where_little_is_spent() -> None:
    purse = a_purse(rate=640)
    purse.note(1, 0.0)
    assert purse.wishes(1, 1, 0.0) == (1, 1, 10)


def test_what_is_held_need_not_be_drawn() -> None:
    purse = a_purse(4)
    purse.note(10, 0.0)
    assert purse.wishes(10, 10, 0.0) == (6, 6, 5)


def test_no_more_than_the_rate_is_drawn_for_those_who_wait_but_for_one_large_amount() -> None:
    purse = a_purse(rate=10)
    assert purse.wishes(1, 500, 0.0) == (1, 10, 0)
    assert purse.wishes(30, 500, 0.0) == (30, 30, 0)


def test_a_purse_that_got_less_than_it_needed_rests() -> None:
    purse = Purse(100, 0.0)
    purse.drawn(4, 5, 100.0, asked_at=1.0, rest=0.25)
    assert purse.dry_until == 1.25
    told = purse.told(5, is_granted=False, now=1.0)
    assert (told.remaining, told.wait, told.reset) == (4, 0.25, 1.0)


def test_whoever_is_refused_waits_until_there_is_enough_or_half_of_all_for_what_is_larger() -> None:
    purse = a_purse(rate=100)
    purse.drawn(5, 40, 100.0, asked_at=0.0, rest=0.125)
    told = purse.told(40, is_granted=False, now=0.25)
    # 25 have come back since, and 5 are held.
    assert (told.remaining, told.wait, told.reset) == (30, 0.1, 0.75)
    assert purse.told(500, is_granted=False, now=0.25).wait == 0.2


def test_no_more_is_told_to_be_left_than_the_limit_nor_enough_for_what_was_refused() -> None:
    purse = Purse(100, 0.0)
    purse.drawn(50, 50, 50.0, asked_at=0.0, rest=0.25)
    assert purse.told(1, is_granted=True, now=0.9).remaining == 100
    empty = Purse(100, 0.0)
    empty.drawn(0, 1, 100.0, asked_at=0.0, rest=0.25)
    told = empty.told(1, is_granted=False, now=0.2)
    assert (told.remaining, told.wait) == (0, 0.25 - 0.2)


def test_a_purse_is_idle_when_it_is_empty_and_nobody_has_come_for_a_while() -> None:
    purse = a_purse(1)
    assert not purse.is_idle(0.5)
    assert not purse.is_idle(9.0)
    assert purse.is_idle(11.0)
