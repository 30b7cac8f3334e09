"""Allowances by address: what counts as one, and how long it is remembered."""

from __future__ import annotations

import pytest

from server.throttle import Throttle, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("unix", "unix"),
        ("no:address", "no:address"),
    ],
)
def test_what_counts_as_one_client(address: str, network: str) -> None:
    assert network_of(address) == network


def test_each_has_an_allowance_of_its_own() -> None:
    each = Throttle(rate=1, burst=3)
    assert [each.spend("a", 5.0) for _ in range(4)] == [True, True, True, False]
    assert each.spend("b", 5.0)


def test_what_is_refused_costs_nothing_so_that_who_waits_gets_in() -> None:
    each = Throttle(rate=10, burst=1)
    each.spend("a", 5.0)
    assert not any(each.spend("a", 5.0) for _ in range(100))
    assert each.spend("a", 5.11)


def test_to_look_costs_nothing() -> None:
    each = Throttle(rate=1, burst=2)
    assert not any(each.is_spent("a", 5.0) for _ in range(10))
    each.spend("a", 5.0)
    each.spend("a", 5.0)
    assert each.is_spent("a", 5.5)
    assert not each.is_spent("a", 6.0)
    assert len(each) == 1


def test_who_has_a_full_allowance_again_is_forgotten_while_others_come() -> None:
    each = Throttle(rate=1, burst=10)
    for number in range(1000):
        each.spend(number, 5.0)
    for _ in range(500):
        each.spend("later", 6.5)
    assert len(each) == 1


def test_who_has_spent_something_is_not_forgotten_while_others_come() -> None:
    each = Throttle(rate=1, burst=10)
    for _ in range(10):
        each.spend("a", 5.0)
    for number in range(1000):
        each.spend(number, 5.001)
    assert each.is_spent("a", 5.5)


def test_no_more_are_remembered_than_there_is_room_for() -> None:
    each = Throttle(rate=1, burst=10, most=100)
    for number in range(10_000):
        each.spend(number, 5.0)
        assert len(each) <= 101
