"""What applications' back ends are told of channels: which transitions, and what only a node knows of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapter.base import app_of, name_of
from adapter.outbox import Wants
from server.protocol.names import USER_PREFIX

if TYPE_CHECKING:
    from adapter.base import Adapter, Topic
    from server.apps import App, Directory

CLIENT_EVENT, CACHE_MISS = "client_event", "cache_miss"
CACHE_MISSES_APART = 5.0
"""Seconds in which all misses of a channel are one: whoever comes while the back end is filling it misses too."""

_WANTS = (
    (Wants.OCCUPANCY, ("channel_occupied", "channel_vacated")),
    (Wants.MEMBERS, ("member_added", "member_removed")),
    (Wants.COUNTS, ("subscription_count",)),
)


_ALL = Wants.OCCUPANCY | Wants.MEMBERS | Wants.COUNTS


def wants_in(apps: Directory, topic: Topic) -> Wants:
    """Return which transitions of a topic are to be kept, as far as this node knows the topic's application.

    It may not: whoever clears up after a dead node settles what was that node's. Then all are kept, and whoever
    delivers them looks the application up.
    """
    app = apps.by_id(app_of(topic))
    if app is None and not apps.has_all:
        return Wants.NOTHING if name_of(topic).startswith(USER_PREFIX) else _ALL
    return wants_of(app, topic)


def wants_of(app: App | None, topic: Topic) -> Wants:
    """Return which transitions of a topic some webhook of its application is to be told."""
    wants = Wants.NOTHING
    if app is None or not app.webhooks:
        return wants
    channel = name_of(topic)
    if channel.startswith(USER_PREFIX):
        return wants
    for wanted, event_types in _WANTS:
        if any(is_wanted(app, event_type, channel) for event_type in event_types):
            wants |= wanted
    return wants if tells_counts(app, channel) else wants & ~Wants.COUNTS


def tells_counts(app: App, channel: str) -> bool:
    """Tell whether anybody hears of a channel's number of subscriptions: back ends do where subscribers do."""
    return app.subscription_count and not channel.startswith("presence-")


def is_wanted(app: App, event_type: str, channel: str) -> bool:
    return any(webhook.wants(event_type, channel) for webhook in app.webhooks)


class Notices:
    """Hands in what transitions don't tell."""

    def __init__(self, adapter: Adapter) -> None:
        self._outbox = adapter.outbox

    def client_event(self, app: App, topic: Topic, channel: str, payload: bytes, socket_id: str) -> None:
        """Note a client's event, once it is accepted: who sent it, and the event as subscribers get it."""
        if app.webhooks and is_wanted(app, CLIENT_EVENT, channel):
            self._outbox.notify(topic, CLIENT_EVENT, b"%b\n%b" % (socket_id.encode(), payload))

    def cache_miss(self, app: App, topic: Topic, channel: str) -> None:
        """Note that somebody found nothing in a cache channel."""
        if app.webhooks and is_wanted(app, CACHE_MISS, channel):
            self._outbox.notify(topic, CACHE_MISS, apart=CACHE_MISSES_APART)
