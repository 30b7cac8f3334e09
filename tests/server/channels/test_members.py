"""Whom a change of members is told, where some know more than their node."""

from __future__ import annotations

from server.channels.members import Members, News
from tests.server.channels.build import an_entry
from tests.server.channels.ear import Ear

ALREADY_IN, AHEAD = Ear("already in"), Ear("ahead")


def members_with_one_ahead() -> Members:
    """Return what a node knows that has "1", and one subscriber that was told of "2" as well."""
    members = Members()
    members.admit(ALREADY_IN, an_entry(1, "1"))
    members.admit(AHEAD, an_entry(5, "1", "2"))
    return members


def told(members: Members, position: int, user_id: str) -> list[News]:
    return list(members.changed(position, user_id, b""))


def test_what_is_announced_before_the_first_answer_and_came_after_it_is_in_what_it_says() -> None:
    members = Members()
    for position, user_id in ((2, "early"), (4, "late")):
        assert told(members, position, user_id) == []
    members.admit(ALREADY_IN, an_entry(3, "1"))
    text = members.text(ALREADY_IN)
    assert b"late" in text
    assert b"early" not in text
    assert told(members, 4, "late") == []


def test_who_is_ahead_is_not_told_what_it_knows() -> None:
    assert told(members_with_one_ahead(), 5, "2") == [News("2", b"", None, (AHEAD,))]


def test_who_was_caught_up_with_is_one_of_all_again() -> None:
    members = members_with_one_ahead()
    told(members, 5, "2")
    assert told(members, 6, "3") == [News("3", b"", None)]


def test_until_it_is_caught_up_with_it_is_told_by_itself() -> None:
    members = members_with_one_ahead()
    # That of "2" was lost.
    for position, user_id in ((6, "3"), (7, "4")):
        assert told(members, position, user_id) == [
            News(user_id, b"", None, (AHEAD,)),
            News(user_id, b"", (AHEAD,)),
        ]
    assert b"2" in members.text(AHEAD)
    assert b"2" not in members.text(ALREADY_IN)


def test_who_has_left_is_not_kept_in_mind() -> None:
    members = members_with_one_ahead()
    members.drop(AHEAD)
    assert told(members, 6, "3") == [News("3", b"", None)]


def test_a_fresh_look_tells_each_what_it_lacks_and_makes_them_equal() -> None:
    members = members_with_one_ahead()
    assert list(members.resynced(an_entry(7, "1", "2", "3"))) == [
        News("2", b"", None, (AHEAD,)),
        News("3", b"", None, (AHEAD,)),
        News("3", b"", (AHEAD,)),
    ]
    assert told(members, 8, "4") == [News("4", b"", None)]


def test_a_look_from_before_somebody_came_leaves_it_ahead() -> None:
    members = members_with_one_ahead()
    assert list(members.resynced(an_entry(3, "1"))) == []
    assert told(members, 6, "3")[0].left_out == (AHEAD,)
