"""What happened between a node and Redis, in plain numbers, for metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stats:
    """Numbers that only grow, but for the last three."""

    gaps: int = 0
    """How often a shard's messages were missing from the journal, so that clients may have lost some."""
    replayed: int = 0
    """Messages delivered from the journal after a link broke."""
    repairs: int = 0
    """Shards that were brought up to date again after a link broke or the server changed."""
    reconnects: int = 0
    publish_errors: int = 0
    """Publishes that were answered with "unavailable"."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Error replies, by their first word."""
    unreadable: int = 0
    """Envelopes of a version that this release doesn't know, dropped."""
    reborn: int = 0
    """How often this node was declared dead by the others."""
    reaped: int = 0
    """Nodes that this node has cleaned up after."""
    probe_seconds: float = 0.0
    """How long the last probe took, there and back."""
    partitions_up: dict[str, bool] = field(default_factory=dict)
    """Whether each Redis is in use, by its address."""
    nodes: Counter[str] = field(default_factory=Counter)
    """Nodes of the cluster, by state."""
