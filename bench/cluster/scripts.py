"""How long Redis is busy with one script at a time, where there is much to read: all others wait meanwhile."""

from __future__ import annotations

import os
import signal
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from adapter.redis.scripts import Scripts
from bench.cluster.nodes import Nodes, running_nodes
from bench.measure import Measure, at_most, told
from bench.signing import presence_subscription

if TYPE_CHECKING:
    from bench.stage import Stage

_MEMBERS = 1_000
_CHANNELS = 10_000
_REACH_MS = 5.0
_REAPED_SECONDS = 16.0
"""After ten, a dead node is known to be dead; then its members are taken back."""
_SHOWN = 5
_MOST_RUNS = 1_000_000


def measure(stage: Stage) -> list[Measure]:
    """Fill a presence channel and 10,000 others on two nodes, kill one of them, and ask Redis what took longest."""
    with running_nodes(stage, 2) as cluster:
        cluster.redis.config_set("slowlog-log-slower-than", 0)
        cluster.redis.config_set("slowlog-max-len", _MOST_RUNS)
        for number in range(2):
            _join(cluster, number)
            _occupy(cluster, number)
        victim = cluster.nodes[1]
        os.kill(victim.server.process.pid, signal.SIGKILL)
        time.sleep(_REAPED_SECONDS)
        runs = _runs(cluster)
    slow = sorted(runs, key=lambda name: -_slow(runs[name]))
    return [
        at_most(f"slowest script: {slow[0]}", _slow(runs[slow[0]]), _REACH_MS, "ms", **_details(runs[slow[0]])),
        *(told(f"  {name}", _slow(runs[name]), "ms", **_details(runs[name])) for name in slow[1:_SHOWN]),
    ]


def _slow(runs: list[float]) -> float:
    """Return what 99 of 100 runs stay below: the longest of many may be one in which Redis was not let run."""
    return sorted(runs)[int(len(runs) * 0.99)]


def _details(runs: list[float]) -> dict[str, float]:
    return {"runs": len(runs), "median_ms": sorted(runs)[len(runs) // 2], "max_ms": max(runs)}


def _join(cluster: Nodes, number: int) -> None:
    load = cluster.nodes[number].load
    each = _MEMBERS // len(cluster.nodes)
    load.open(each)
    ids = load.socket_ids()
    load.subscribe([presence_subscription(one, "presence-bench", f"{number}-{i}") for i, one in enumerate(ids)])


def _occupy(cluster: Nodes, number: int) -> None:
    """Have clients of a node subscribe to a channel each."""
    each = _CHANNELS // len(cluster.nodes)
    cluster.nodes[number].load.open(each, channel=f"bench-{number}-", spread=each)


def _runs(cluster: Nodes) -> dict[str, list[float]]:
    """Return how long each run of each script took, in milliseconds, by Redis' own account."""
    names = {digest: name for name, digest in Scripts(sharded=False).digests.items()}
    runs: defaultdict[str, list[float]] = defaultdict(list)
    entries: list[dict[str, Any]] = cluster.redis.slowlog_get(_MOST_RUNS)
    for entry in entries:
        words = entry["command"].split()
        if words[0] == b"EVALSHA":
            runs[names.get(words[1], "?")].append(entry["duration"] / 1e3)
    return dict(runs)
