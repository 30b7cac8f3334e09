"""How deliveries go, in plain numbers."""

from __future__ import annotations

from collections import Counter

from server.metrics.histogram import Histogram


class DeliveryNumbers:
    """What this node has delivered, or tried to."""

    __slots__ = ("events", "request_seconds", "requests", "retries")

    def __init__(self) -> None:
        # By (app, result): delivered, dead, postponed, unwanted, lost.
        self.events: Counter[tuple[str, str]] = Counter()
        # By (app, result): delivered, refused (an answer other than 2xx), timeout, unreachable.
        self.requests: Counter[tuple[str, str]] = Counter()
        # By app: requests that had been sent before.
        self.retries: Counter[str] = Counter()
        self.request_seconds = Histogram()
