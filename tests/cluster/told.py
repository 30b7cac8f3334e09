"""What a back end was told of one presence channel by webhooks, against who was there in the end.

Pure: see :mod:`tests.cluster.history`. An event may come more than once, with the same id; ids are in the order in
which things happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.cluster.history import Complaint

if TYPE_CHECKING:
    from collections.abc import Iterable

BEGINS = {"member_added": True, "member_removed": False, "channel_occupied": True, "channel_vacated": False}


def check_told(events: Iterable[tuple[str, dict[str, Any]]], present: set[str]) -> list[Complaint]:
    """Return what is wrong with what the back end was told: beginnings and ends alternate, and end with the truth."""
    complaints = []
    known: dict[str, bool] = {}
    for event_id, event in sorted(dict(events).items(), key=lambda item: _place(item[0])):
        # The channel's own occupancy goes by no name.
        user = event.get("user_id", "")
        if known.get(user, False) is BEGINS[event["name"]]:
            complaints.append(Complaint("told twice", user or "the channel", f"{event['name']} {event_id}"))
        known[user] = BEGINS[event["name"]]
    told = {user for user, is_there in known.items() if is_there}
    truth = present | {""} if present else set()
    complaints += [Complaint("told and not so", user or "the channel", "") for user in sorted(told - truth)]
    return complaints + [Complaint("not told", user or "the channel", "") for user in sorted(truth - told)]


def _place(event_id: str) -> tuple[int, ...]:
    return tuple(map(int, event_id.split("-")))
