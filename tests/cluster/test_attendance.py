"""The checker of presence histories notices each thing that may go wrong, and nothing else."""

from __future__ import annotations

from tests.cluster.attendance import Account, check_account


def kinds(roster: str, changes: str, truth: str | None) -> list[str]:
    """Check an account in which each user is a letter; `changes` is like ``+a -b``."""
    told = [(change[0] == "+", change[1:]) for change in changes.split()]
    account = Account("observer", frozenset(roster), told)
    complaints = check_account(account, None if truth is None else set(truth))
    return [f"{complaint.kind} {complaint.detail}" for complaint in complaints]


def test_coming_and_going_is_no_complaint() -> None:
    assert kinds("ab", "+c -a +a -a -c", "b") == []


def test_added_twice_is_noticed() -> None:
    assert kinds("a", "+b +b", "ab") == ["added twice b"]


def test_added_though_in_the_roster_is_noticed() -> None:
    assert kinds("a", "+a", "a") == ["added twice a"]


def test_removed_without_having_been_there_is_noticed() -> None:
    assert kinds("a", "-b", "a") == ["removed but not there b"]


def test_removed_twice_is_noticed() -> None:
    assert kinds("ab", "-b -b", "a") == ["removed but not there b"]


def test_ghost_is_noticed() -> None:
    assert kinds("ab", "+c", "a") == ["ghost b", "ghost c"]


def test_missing_member_is_noticed() -> None:
    assert kinds("a", "-a", "ab") == ["missing a", "missing b"]


def test_who_has_gone_is_not_held_to_the_end() -> None:
    assert kinds("a", "+b", None) == []
    assert kinds("a", "+a", None) == ["added twice a"]
