"""What a node knows of its store of applications, as Prometheus reads it. Without a store there are only zeros."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from server.metrics.families import counter, gauge, histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import Metric

    from server.metrics.counters import Metrics


class AppStoreCollector:
    """Reads the numbers when they are scraped."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        stats = self._metrics.app_store
        text = "Keys that the store of applications was asked for; what is known already isn't."
        yield counter("shoal_app_store_lookups", text, ["result"], _by_result(stats.lookups))
        text = "Looks at all applications in use, for what has changed."
        yield counter("shoal_app_store_refreshes", text, ["result"], _by_result(stats.refreshes))
        text = "Questions to the store of applications that had no answer."
        yield counter("shoal_app_store_failures", text, [], [((), stats.failures)])
        text = "How long the store of applications took to answer, or not to."
        yield histogram("shoal_app_store_seconds", text, [], [((), stats.seconds)])
        ages = [] if stats.refreshed_at is None else [((), self._clock() - stats.refreshed_at)]
        text = "Time since the applications in use were last compared with the store; none without one."
        yield gauge("shoal_app_store_age_seconds", text, [], ages)
        yield gauge(
            "shoal_app_store_cached", "Applications of the store that are known here.", [], [((), stats.cached)]
        )
        text = "Applications in use that can't be used any more as they are stored, and go on as they were."
        yield gauge("shoal_app_store_unusable", text, [], [((), stats.unusable)])


def _by_result(counts: dict[str, int]) -> list[tuple[tuple[str, ...], float]]:
    return [((result,), count) for result, count in counts.items()]
