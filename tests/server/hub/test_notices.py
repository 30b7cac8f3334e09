"""Which transitions an application's webhooks are to be told."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.base import topic_of
from adapter.outbox import Wants
from server.apps import App
from server.hub.notices import wants_of

ALL = {"url": "http://example.com"}
EVERYTHING = Wants.OCCUPANCY | Wants.MEMBERS | Wants.COUNTS


def wants(channel: str, *webhooks: dict[str, Any], subscription_count: bool = True) -> Wants:
    app = {"id": "1", "key": "k", "secret": "s", "subscription_count": subscription_count, "webhooks": webhooks}
    return wants_of(App.model_validate(app), topic_of("1", channel))


@pytest.mark.parametrize(
    ("event_types", "wanted"),
    [
        ([], EVERYTHING),
        (["channel_vacated"], Wants.OCCUPANCY),
        (["member_added", "channel_occupied"], Wants.OCCUPANCY | Wants.MEMBERS),
        (["subscription_count"], Wants.COUNTS),
        (["client_event", "cache_miss"], Wants.NOTHING),
    ],
)
def test_pairs_of_transitions_are_wanted_for_either_of_them(event_types: list[str], wanted: Wants) -> None:
    assert wants("room", ALL | {"event_types": event_types}) == wanted


def test_without_webhooks_or_an_application_nothing_is_wanted() -> None:
    assert wants("room") == Wants.NOTHING
    assert wants_of(None, topic_of("1", "room")) == Wants.NOTHING


def test_filters_are_those_of_each_webhook() -> None:
    members = ALL | {"event_types": ["member_added"], "channel_name_starts_with": "presence-"}
    others = ALL | {"event_types": ["channel_occupied"], "channel_name_ends_with": "-log"}
    assert wants("presence-a", members, others) == Wants.MEMBERS
    assert wants("presence-a-log", members, others) == Wants.MEMBERS | Wants.OCCUPANCY
    assert wants("room", members, others) == Wants.NOTHING


def test_counts_are_told_only_where_subscribers_hear_of_them_too() -> None:
    assert wants("room", ALL, subscription_count=False) == EVERYTHING & ~Wants.COUNTS
    assert wants("presence-room", ALL) == EVERYTHING & ~Wants.COUNTS


def test_a_users_own_channel_is_nobodys_business() -> None:
    assert wants("#server-to-user-ana", ALL) == Wants.NOTHING
