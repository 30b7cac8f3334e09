from __future__ import annotations

from typing import Any

from tests.cluster.told import check_told


def event(name: str, user: str = "") -> dict[str, Any]:
    return {"name": name, "channel": "presence-a"} | ({"user_id": user} if user else {})


COME = [("3-1-0", event("channel_occupied")), ("3-1-1", event("member_added", "a"))]


def kinds(events: list[tuple[str, dict[str, Any]]], *present: str) -> list[str]:
    return [one.kind for one in check_told(events, set(present))]


def test_what_was_so_is_fine_in_any_order_and_more_than_once() -> None:
    assert kinds([*reversed(COME), COME[0]], "a") == []
    gone = [("3-20-0", event("member_removed", "a")), ("3-20-1", event("channel_vacated"))]
    assert kinds([*gone, *COME]) == []


def test_what_is_missing_or_not_so_is_found() -> None:
    assert kinds(COME) == ["told and not so", "told and not so"]
    assert kinds(COME, "a", "b") == ["not told"]


def test_one_change_under_two_ids_is_found() -> None:
    assert kinds([*COME, ("3-9-0", event("member_added", "a"))], "a") == ["told twice"]
    assert kinds([("3-1-0", event("member_removed", "a"))]) == ["told twice"]
