"""Which transitions are kept for webhooks."""

from __future__ import annotations

import pytest

from adapter.base import topic_of
from adapter.outbox import Wants
from server.apps import Apps
from server.apps.options import StoreOptions
from server.apps.stats import StoreStats
from server.apps.stored import StoredApps
from server.hub.notices import wants_in
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
