"""What a node counts, and how it is told to Prometheus.

The hot path adds to plain numbers; their names, labels and types are given to Prometheus when it asks.
"""

from server.metrics.app_store import AppStoreCollector
from server.metrics.cluster import ClusterCollector
from server.metrics.collector import NodeCollector
from server.metrics.counters import AppCounters, DepartureNumbers, Metrics
from server.metrics.histogram import Histogram

__all__ = [
    "AppCounters",
    "AppStoreCollector",
    "ClusterCollector",
    "DepartureNumbers",
    "Histogram",
    "Metrics",
    "NodeCollector",
]
