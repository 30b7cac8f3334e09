"""The numbers themselves: plain attributes, added to from everywhere."""

from __future__ import annotations

from collections import Counter

from server.apps.stats import StoreStats
from server.channels.fanout import Delivered
from server.metrics.histogram import Histogram


class AppCounters:
    """What happened to one application's clients on this node."""

    __slots__ = (
        "bytes_received",
        "closed",
        "delivered",
        "messages_received",
        "opened",
        "published",
        "published_bytes",
        "refused",
        "replies",
        "slow_consumers",
    )

    def __init__(self) -> None:
        self.opened = 0
        # By close code.
        self.closed: Counter[int] = Counter()
        self.messages_received = 0
        self.bytes_received = 0
        # What went through channels, and what was said to one connection alone.
        self.delivered = Delivered()
        self.replies = 0
        # Messages of clients that were answered with an error, by reason.
        self.refused: Counter[str] = Counter()
        self.slow_consumers = 0
        # Through the HTTP API.
        self.published = 0
        self.published_bytes = 0

    @property
    def open(self) -> int:
        """Connections that are established now."""
        return self.opened - self.closed.total()


class DepartureNumbers:
    """How this node's leaving goes."""

    __slots__ = ("aborted", "close_seconds", "closed", "forced", "late_handshakes", "rate", "remaining")

    def __init__(self) -> None:
        # Connections still to be closed, and how many a second are.
        self.remaining = 0
        self.rate = 0.0
        # Connections that were told to go; those whose close frame they never took.
        self.closed = 0
        self.aborted = 0
        # How long each close took, from our close frame to the end of the connection.
        self.close_seconds: list[float] = []
        # Times that the pace had to be raised above what the other nodes can well take.
        self.forced = 0
        # Handshakes that still came while it was draining, and were closed with 4100.
        self.late_handshakes = 0


class Metrics:
    """What happened on this node. Fulfils :class:`server.api.ApiMetrics`."""

    def __init__(self) -> None:
        self.apps: dict[str, AppCounters] = {}
        # WebSocket handshakes that were turned away, by close code and reason; 400 for what wasn't a handshake.
        self.refused_handshakes: Counter[tuple[int, str]] = Counter()
        # By (route, status).
        self.requests: Counter[tuple[str, int]] = Counter()
        # Those that were refused for a rate, by application and what there was too much of.
        self.limited_requests: Counter[tuple[str, str]] = Counter()
        self.request_seconds: dict[str, Histogram] = {}
        self.publish_seconds = Histogram()
        self.delivery_seconds = Histogram()
        self.loop_lag_seconds = Histogram()
        self.gc_pause_seconds = Histogram()
        self.departure = DepartureNumbers()
        self.app_store = StoreStats(Histogram())
        # Configuration reloads, by result.
        self.reloads: Counter[str] = Counter()

    def of(self, app_id: str) -> AppCounters:
        """Return the counters of a configured application."""
        counters = self.apps.get(app_id)
        if counters is None:
            counters = self.apps[app_id] = AppCounters()
        return counters

    def request(self, route: str, status: int, seconds: float) -> None:
        self.requests[route, status] += 1
        histogram = self.request_seconds.get(route)
        if histogram is None:
            histogram = self.request_seconds[route] = Histogram()
        histogram.observe(seconds)

    def published(self, app_id: str, seconds: float, events: int, size: int) -> None:
        counters = self.of(app_id)
        counters.published += events
        counters.published_bytes += size
        self.publish_seconds.observe(seconds)

    def limited(self, app_id: str, what: str) -> None:
        self.limited_requests[app_id, what] += 1
