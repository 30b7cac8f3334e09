from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from server.channels.roster import Roster

NAMES = st.sampled_from(["1", "2", 'a"b\\', "é😀", "__proto__", "\x00\n", "10"])
INFOS = st.sampled_from([b"", b"{}", b'{"name":"A\\"\\u00e9\\\\"}', '{"n":"é😀"}'.encode()])


def read(roster: Roster) -> Any:
    """Return the roster as a client reads it, for which it must be inside a JSON string."""
    return json.loads(json.loads(b'"' + roster.text() + b'"'))


def told(members: dict[str, bytes]) -> dict[str, Any]:
    """Return what clients are to be told of these members, in this order."""
    infos = {user_id: json.loads(info) if info else None for user_id, info in members.items()}
    return {"count": len(infos), "ids": list(infos), "hash": infos}


def test_a_roster_of_nobody_is_told_with_all_its_parts() -> None:
    assert read(Roster({}, 0)) == {"count": 0, "ids": [], "hash": {}}


def test_a_member_without_info_has_null() -> None:
    assert read(Roster({"7": b""}, 1)) == {"count": 1, "ids": ["7"], "hash": {"7": None}}


def test_after_a_look_that_found_nothing_new_what_was_announced_before_it_is_no_news() -> None:
    roster = Roster({"7": b""}, 1)
    assert roster.move_to({"7": b""}, 9) == []
    assert not roster.change(8, "7", None)
    assert "7" in roster


def test_a_known_member_keeps_its_info() -> None:
    roster = Roster({"7": b'{"n":1}'}, 1)
    assert not roster.add("7", b'{"n":2}', 2)
    assert read(roster)["hash"] == {"7": {"n": 1}}
    assert roster.version == 2


def test_who_is_not_a_member_can_not_go() -> None:
    roster = Roster({"7": b""}, 1)
    assert not roster.remove("8", 2)
    assert roster.remove("7", 3)
    assert len(roster) == 0


def test_moving_to_other_members_tells_who_has_gone_and_who_has_come() -> None:
    roster = Roster({"1": b"", "2": b""}, 1)
    assert roster.move_to({"2": b"x", "3": b"y"}, 5) == [("1", None), ("3", b"y")]
    assert roster.move_to({"2": b"", "3": b""}, 5) == []
    assert roster.has_exactly({"2": b"", "3": b""})


def test_a_change_is_no_news_below_the_version() -> None:
    roster = Roster({"1": b""}, 5)
    assert not roster.change(5, "1", None)
    assert roster.change(6, "1", None)
    assert not roster.change(7, "1", None)


class LikeADict(RuleBasedStateMachine):
    """Compares a roster, which is kept as text, with a dict; the text is asked for at any time or never."""

    def __init__(self) -> None:
        super().__init__()
        self.roster = Roster({}, 0)
        self.members: dict[str, bytes] = {}
        self.version = 0

    @rule(name=NAMES, info=INFOS)
    def add(self, name: str, info: bytes) -> None:
        self.version += 1
        assert self.roster.add(name, info, self.version) is (name not in self.members)
        self.members.setdefault(name, info)

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        self.version += 1
        assert self.roster.remove(name, self.version) is (self.members.pop(name, None) is not None)

    @rule()
    def tell(self) -> None:
        assert read(self.roster) == told(self.members)
        assert list(read(self.roster)["hash"]) == list(self.members)

    @rule()
    def copy(self) -> None:
        self.roster = Roster(self.members, self.version)

    @invariant()
    def the_members_are_the_same(self) -> None:
        assert len(self.roster) == len(self.members)
        assert all(name in self.roster for name in self.members)
        assert self.roster.has_exactly(self.members)
        assert self.roster.version == self.version


test_a_roster_is_like_a_dict = LikeADict.TestCase
