"""The numbers as Prometheus reads them: every metric's name, labels and meaning, in one place."""

from __future__ import annotations

import platform
from collections import Counter
from typing import TYPE_CHECKING

from adapter.base import app_of
from server import __version__
from server.metrics.families import counter as _counter
from server.metrics.families import gauge as _gauge
from server.metrics.families import histogram as _histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client import Metric

    from server.hub import Hub
    from server.metrics.counters import AppCounters, Metrics


class NodeCollector:
    """Reads a node when it is scraped; between scrapes it costs nothing."""

    def __init__(
        self,
        metrics: Metrics,
        hub: Hub,
        *,
        state: Callable[[], str],
        states: Iterable[str],
        refused_requests: Callable[[], Mapping[int, int]],
    ) -> None:
        self._metrics = metrics
        self._refused_requests = refused_requests
        self._hub = hub
        self._state = state
        self._states = tuple(states)

    def collect(self) -> Iterator[Metric]:
        yield from self._node()
        yield from self._departure()
        yield from self._connections()
        yield from self._channels()
        yield from self._messages()
        yield from self._http()

    def _node(self) -> Iterator[Metric]:
        build = {"version": __version__, "python": platform.python_version()}
        yield _gauge("shoal_build_info", "Always 1; the labels say what runs.", build, [(tuple(build.values()), 1)])
        now = self._state()
        states = [((state,), float(state == now)) for state in self._states]
        yield _gauge("shoal_node_state", "1 for the state that the node is in.", ["state"], states)
        reloads = _by_label(self._metrics.reloads)
        yield _counter("shoal_configuration_reloads", "Reloads of the applications.", ["result"], reloads)
        lag = [((), self._metrics.loop_lag_seconds)]
        yield _histogram("shoal_event_loop_lag_seconds", "By how much a timer came too late.", [], lag)
        pauses = [((), self._metrics.gc_pause_seconds)]
        yield _histogram("shoal_gc_pause_seconds", "Pauses of the garbage collector.", [], pauses)

    def _departure(self) -> Iterator[Metric]:
        numbers = self._metrics.departure
        for name, text, value in (
            ("shoal_drain_remaining", "Connections that a leaving node has still to close.", numbers.remaining),
            ("shoal_drain_rate", "Connections that it closes a second.", numbers.rate),
        ):
            yield _gauge(name, text, [], [((), value)])
        for name, text, value in (
            ("shoal_drain_closed", "Connections that it has told to go.", numbers.closed),
            ("shoal_drain_aborted", "Connections that ended without having taken their close frame.", numbers.aborted),
            ("shoal_drain_forced", "Times it went faster than the other nodes can well take.", numbers.forced),
            ("shoal_drain_late_handshakes", "Handshakes while draining, closed with 4100.", numbers.late_handshakes),
        ):
            yield _counter(name, text, [], [((), value)])

    def _connections(self) -> Iterator[Metric]:
        hub, apps = self._hub, self._metrics.apps
        is_open = Counter(client.session.app.id for client in hub.clients.values())
        current = [((app_id,), is_open[app_id]) for app_id in apps]
        yield _gauge("shoal_connections", "Established connections.", ["app"], current)
        yield _gauge("shoal_closing_connections", "Connections that are being closed.", [], [((), len(hub.closing))])
        opened = _per_app(apps, lambda counters: counters.opened)
        yield _counter("shoal_connections_opened", "Connections that were established.", ["app"], opened)
        closed = [
            ((app_id, str(code or "other")), count)
            for app_id, counters in apps.items()
            for code, count in counters.closed.items()
        ]
        text = "Established connections that ended, by close code; 1006 without one."
        yield _counter("shoal_connections_closed", text, ["app", "code"], closed)
        refused = [((str(code), why), count) for (code, why), count in self._metrics.refused_handshakes.items()]
        text = "Handshakes that were completed only to be closed with this code; 400 is no WebSocket handshake."
        yield _counter("shoal_handshakes_refused", text, ["code", "reason"], refused)
        slow = _per_app(apps, lambda counters: counters.slow_consumers)
        yield _counter("shoal_slow_consumers", "Connections ended because they did not read.", ["app"], slow)
        text = "Connections above their high-water mark just now."
        yield _gauge("shoal_congested_connections", text, [], [((), len(hub.slow))])
        unsent = sum(client.unsent for client in hub.slow)
        yield _gauge("shoal_unsent_bytes", "Bytes that wait for congested connections.", [], [((), unsent)])

    def _channels(self) -> Iterator[Metric]:
        channels: Counter[tuple[str, ...]] = Counter()
        subscriptions: Counter[tuple[str, ...]] = Counter()
        for topic, channel in self._hub.channels.items():
            labels = app_of(topic), channel.kind.label
            channels[labels] += 1
            subscriptions[labels] += len(channel)
        names = ["app", "kind"]
        yield _gauge("shoal_channels", "Channels with subscribers on this node.", names, channels.items())
        yield _gauge("shoal_subscriptions", "Subscriptions of this node's clients.", names, subscriptions.items())

    def _messages(self) -> Iterator[Metric]:
        apps = self._metrics.apps
        for name, text, read in _PER_APP:
            yield _counter(name, text, ["app"], _per_app(apps, read))
        refused = [((app_id, why), count) for app_id, app in apps.items() for why, count in app.refused.items()]
        text = "Messages of clients that were answered with an error, by reason."
        yield _counter("shoal_client_messages_refused", text, ["app", "reason"], refused)
        latency = [((), self._metrics.delivery_seconds)]
        text = "From an event's arrival on this node to its last write."
        yield _histogram("shoal_delivery_seconds", text, [], latency)

    def _http(self) -> Iterator[Metric]:
        text = "API requests that were answered with 429: too many events, reads, or (without `app`) failures."
        limited = self._metrics.limited_requests.items()
        yield _counter("shoal_http_requests_limited", text, ["app", "limit"], limited)
        requests = [((route, str(status)), count) for (route, status), count in self._metrics.requests.items()]
        yield _counter("shoal_http_requests", "API requests.", ["route", "status"], requests)
        text = "Requests that were refused before the API saw them, by status."
        yield _counter("shoal_http_requests_refused", text, ["status"], _by_label(self._refused_requests()))
        seconds = [((route,), histogram) for route, histogram in self._metrics.request_seconds.items()]
        yield _histogram("shoal_http_request_seconds", "From a request to its answer.", ["route"], seconds)
        published = [((), self._metrics.publish_seconds)]
        text = "From a publish request to its acceptance by the cluster."
        yield _histogram("shoal_publish_seconds", text, [], published)


_PER_APP: tuple[tuple[str, str, Callable[[AppCounters], float]], ...] = (
    ("shoal_messages_received", "Messages from clients.", lambda app: app.messages_received),
    ("shoal_received_bytes", "Bytes of messages from clients.", lambda app: app.bytes_received),
    ("shoal_messages_delivered", "Messages of channels, one for each subscriber.", lambda app: app.delivered.messages),
    ("shoal_delivered_bytes", "Bytes of messages of channels, all subscribers'.", lambda app: app.delivered.bytes),
    ("shoal_replies", "Answers to single connections.", lambda app: app.replies),
    ("shoal_events_published", "Events accepted from the API, one for each channel.", lambda app: app.published),
    ("shoal_published_bytes", "Bytes of events accepted from the API.", lambda app: app.published_bytes),
)


def _per_app(
    apps: Mapping[str, AppCounters], read: Callable[[AppCounters], float]
) -> list[tuple[tuple[str, ...], float]]:
    return [((app_id,), read(counters)) for app_id, counters in apps.items()]


def _by_label(counts: Mapping[int, int] | Mapping[str, int]) -> list[tuple[tuple[str, ...], float]]:
    return [((str(label),), count) for label, count in counts.items()]
