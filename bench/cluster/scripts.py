"""How long Redis is busy with one script at a time, where there is much to read: all others wait meanwhile.

Those that read most are run again and again, and the CPU that takes is counted. What ran by itself is told by the slow
log, which counts the time on the wall: on a busy machine also that in which Redis was not let run.
"""

from __future__ import annotations

import os
import signal
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from adapter.base import topic_of
from adapter.redis.keys import ShardKeys
from adapter.redis.scripts import Scripts
from adapter.redis.shards import SHARDS, shard_of
from bench.cluster.nodes import Nodes, running_nodes
from bench.measure import Measure, at_most, told
from bench.signing import APP_ID, presence_subscription

if TYPE_CHECKING:
    from redis import Redis

    from bench.stage import Stage

_MEMBERS = 1_000
_CHANNELS = 10_000
_REACH_MS = 5.0
_REAPED_SECONDS = 16.0
"""After ten, a dead node is known to be dead; then its members are taken back."""
_SHOWN = 4
_REPEATED = 300
_MOST_RUNS = 1_000_000


def measure(stage: Stage) -> list[Measure]:
    """Fill a presence channel and 10,000 others on two nodes, kill one of them, and ask Redis what took longest."""
    with running_nodes(stage, 2) as cluster:
        cluster.redis.config_set("slowlog-log-slower-than", 0)
        cluster.redis.config_set("slowlog-max-len", _MOST_RUNS)
        for number in range(2):
            _join(cluster, number)
            _occupy(cluster, number)
        cluster.redis.config_set("slowlog-log-slower-than", -1)
        reading = {what: _cpu_ms(cluster, command) for what, command in _readings(cluster.redis).items()}
        cluster.redis.config_set("slowlog-log-slower-than", 0)
        victim = cluster.nodes[1]
        os.kill(victim.server.process.pid, signal.SIGKILL)
        time.sleep(_REAPED_SECONDS)
        runs = _runs(cluster)
    slow = sorted(runs, key=lambda name: -_slow(runs[name]))
    worst = max(reading, key=lambda what: reading[what])
    return [
        at_most(f"slowest script: {worst}", reading[worst], _REACH_MS, "ms"),
        *(told(f"  {what}", taken, "ms") for what, taken in reading.items() if what != worst),
        *(told(f"  on the wall: {name}", _slow(runs[name]), "ms", **_details(runs[name])) for name in slow[:_SHOWN]),
    ]


def _readings(redis: Redis) -> dict[str, list[Any]]:
    """Return, by what it reads, the commands that read most."""
    digests = Scripts(sharded=False).digests
    shards = [ShardKeys("shoal", number) for number in range(SHARDS)]
    room = topic_of(APP_ID, "presence-bench")
    keys = shards[shard_of(room)]
    read = [keys.meta, keys.state(room), keys.roster(room), keys.remembered(room)]
    assert redis.hlen(keys.roster(room)), "there are members"
    surveyed = [key for shard in shards for key in (shard.meta, shard.holds)]
    return {
        f"look, at a channel of {_MEMBERS:,} members": ["EVALSHA", digests["look"], 4, *read],
        f"survey, of all {SHARDS} shards": ["EVALSHA", digests["survey"], len(surveyed), *surveyed, 100],
        "permissions": ["EVALSHA", digests["permissions"], 1, keys.scratch("bench"), keys.probe_channel("bench")],
    }


def _cpu_ms(cluster: Nodes, command: list[Any]) -> float:
    """Return the CPU that Redis uses for a command, in milliseconds."""
    before = cluster.redis_process.cpu_seconds()
    for _ in range(_REPEATED):
        cluster.redis.execute_command(*command)  # type: ignore[no-untyped-call]
    return (cluster.redis_process.cpu_seconds() - before) / _REPEATED * 1e3


def _slow(runs: list[float]) -> float:
    """Return what 99 of 100 runs stay below."""
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
