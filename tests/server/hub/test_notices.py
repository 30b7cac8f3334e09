"""Which transitions are kept for webhooks."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.base import topic_of
from adapter.outbox import Wants
from server.apps import App, Apps
from server.apps.options import StoreOptions
from server.apps.stats import StoreStats
from server.apps.stored import StoredApps
from server.hub.notices import wants_in, wants_of
from server.metrics import Histogram
from tests.server.apps.build import MemoryStore, an_app

WEBHOOK = {"url": "https://a.test", "event_types": ["member_added"], "channel_name_starts_with": "presence-a"}
ALL = Wants.OCCUPANCY | Wants.MEMBERS | Wants.COUNTS


@pytest.mark.parametrize(
    ("app_id", "channel", "wants"),
    [
        ("1", "presence-a", Wants.MEMBERS),
        ("1", "presence-b", Wants.NOTHING),
        ("1", "#server-to-user-7", Wants.NOTHING),
        ("2", "presence-a", Wants.NOTHING),
        ("nobodys", "presence-a", Wants.NOTHING),
    ],
)
def test_what_a_webhook_wants_is_kept(app_id: str, channel: str, wants: Wants) -> None:
    apps = Apps([an_app("1", webhooks=[WEBHOOK]), an_app("2")])
    assert wants_in(apps, topic_of(app_id, channel)) == wants


@pytest.mark.parametrize(
    ("channel", "wants"), [("presence-a", ALL), ("news", ALL), ("#server-to-user-7", Wants.NOTHING)]
)
def test_all_is_kept_of_an_application_that_this_node_has_not_met(channel: str, wants: Wants) -> None:
    apps = StoredApps(
        MemoryStore(), StoreOptions(""), StoreStats(Histogram()), is_in_use=lambda _: False, on_change=lambda: None
    )
    assert wants_in(apps, topic_of("1", channel)) == wants


ANY = {"url": "http://example.com"}


def wants(channel: str, *webhooks: dict[str, Any], subscription_count: bool = True) -> Wants:
    app = {"id": "1", "key": "k", "secret": "s", "subscription_count": subscription_count, "webhooks": webhooks}
    return wants_of(App.model_validate(app), topic_of("1", channel))


@pytest.mark.parametrize(
    ("event_types", "wanted"),
    [
        ([], ALL),
        (["channel_vacated"], Wants.OCCUPANCY),
        (["member_added", "channel_occupied"], Wants.OCCUPANCY | Wants.MEMBERS),
        (["subscription_count"], Wants.COUNTS),
        (["client_event", "cache_miss"], Wants.NOTHING),
    ],
)
def test_pairs_of_transitions_are_wanted_for_either_of_them(event_types: list[str], wanted: Wants) -> None:
    assert wants("room", ANY | {"event_types": event_types}) == wanted


def test_without_webhooks_or_an_application_nothing_is_wanted() -> None:
    assert wants("room") == Wants.NOTHING
    assert wants_of(None, topic_of("1", "room")) == Wants.NOTHING


def test_filters_are_those_of_each_webhook() -> None:
    members = ANY | {"event_types": ["member_added"], "channel_name_starts_with": "presence-"}
    others = ANY | {"event_types": ["channel_occupied"], "channel_name_ends_with": "-log"}
    assert wants("presence-a", members, others) == Wants.MEMBERS
    assert wants("presence-a-log", members, others) == Wants.MEMBERS | Wants.OCCUPANCY
    assert wants("room", members, others) == Wants.NOTHING


def test_counts_are_told_only_where_subscribers_hear_of_them_too() -> None:
    assert wants("room", ANY, subscription_count=False) == ALL & ~Wants.COUNTS
    assert wants("presence-room", ANY) == ALL & ~Wants.COUNTS


def test_a_users_own_channel_is_nobodys_business() -> None:
    assert wants("#server-to-user-ana", ANY) == Wants.NOTHING
