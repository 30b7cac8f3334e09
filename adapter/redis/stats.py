"""What happened between a node and Redis, in plain numbers, for metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapter.plain_numbers import ClusterNumbers, StoreNumbers
from adapter.redis.errors import FORBIDDEN, PASSING, Kind
from adapter.redis.shard.shard import State
from adapter.redis.troubles import Troubles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapter.redis.errors import Refusal
    from adapter.redis.shard.shard import Shard

KNOWN_CODES = PASSING | FORBIDDEN | {"NOSCRIPT", "OOM", "MISCONF", "NOREPLICAS", "ERR"}
"""Codes of refusals that are told apart; what a script or a module may think of besides is ``other``."""


@dataclass(slots=True)
class Stats:
    """Numbers that only grow, but for those below `reaped`."""

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
    probe_seconds: dict[str, float] = field(default_factory=dict)
    """How long the last probe took, there and back, by the address of each Redis."""
    partitions_up: dict[str, bool] = field(default_factory=dict)
    """Whether each Redis is in use, by its address."""
    nodes: Counter[str] = field(default_factory=Counter)
    """Nodes of the cluster, by the state that they declare."""
    late: int = 0
    """Those whose heartbeat is overdue."""
    connections: int = 0
    """Of all nodes together."""
    last_refusal: str = ""
    """The text of one that doesn't end by itself."""
    troubles: Troubles = field(default_factory=Troubles)
    """What is wrong just now."""

    def refused(self, refusal: Refusal) -> None:
        """Count an error reply."""
        self.refusals[refusal.code] += 1
        self.last_refusal = str(refusal)

    def numbers(self, shards: Iterable[Shard]) -> ClusterNumbers:
        """Return all this, and how the shards are, for those who don't know of Redis."""
        by_state = Counter({state.value: 0 for state in State})
        waiting = topics = 0
        for shard in shards:
            by_state[shard.state.value] += 1
            waiting += shard.line.pending
            topics += len(shard.watches)
        return ClusterNumbers(
            nodes=self.nodes,
            late=self.late,
            connections=self.connections,
            topics=topics,
            store=self._store(by_state, waiting),
        )

    def _store(self, shards: Counter[str], waiting: int) -> StoreNumbers:
        refusals: Counter[str] = Counter()
        for code, count in self.refusals.items():
            refusals[code if code in KNOWN_CODES else "other"] += count
        return StoreNumbers(
            up=self.partitions_up,
            problems=self.troubles.problems(),
            kinds=[kind.value for kind in Kind],
            probe_seconds=self.probe_seconds,
            shards=shards,
            waiting=waiting,
            refusals=refusals,
            reconnects=self.reconnects,
            repairs=self.repairs,
            replayed=self.replayed,
            gaps=self.gaps,
            publish_errors=self.publish_errors,
            unreadable=self.unreadable,
            reborn=self.reborn,
            reaped=self.reaped,
        )
