"""What an event costs, and whom: the node that is told of it, nodes whose clients want it, nodes whose don't, Redis."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.cluster.nodes import Nodes, running_nodes
from bench.measure import Measure, at_most, medians, told
from bench.signing import publish_requests

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.stage import Stage

SIZES = (1, 2, 4, 8)
_ROUNDS = 3
_CHANNELS = 64
_PUBLISHERS = 16
_DATA_BYTES = 100
_RATES = {"at 1,000 events/s": 1_000, "flat out": 0}
"""At a steady rate hardly two events leave together; flat out many do, and share what sending costs."""
_REACH_UNINTERESTED = 5.0  # us: none, as far as it can be told from what a node does all by itself


def measure(stage: Stage) -> list[Measure]:
    """Publish through the first node: to channels of its own clients first, then to channels that all nodes have."""
    return [line for count in SIZES for line in _measure(stage, count)]


def _measure(stage: Stage, count: int) -> list[Measure]:
    with running_nodes(stage, count) as cluster:
        idle = _busyness(cluster, stage.seconds)
        cluster.nodes[0].load.open(_CHANNELS, channel="bench-", spread=_CHANNELS)
        disjoint = _all_rates(stage, cluster, idle)
        for node in cluster.nodes[1:]:
            node.load.open(_CHANNELS, channel="bench-", spread=_CHANNELS)
        shared = _all_rates(stage, cluster, idle) if count > 1 else {}
    return [
        told(f"{_title(count)}, nothing happens: each node", sum(idle[:-1]) / count * 1e6, "us/s"),
        told("  Redis, for each node", idle[-1] / count * 1e6, "us/s"),
        *(line for rate in _RATES for line in _lines(count, rate, disjoint[rate], shared.get(rate))),
    ]


def _title(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"


def _lines(count: int, rate: str, disjoint: dict[str, float], shared: dict[str, float] | None) -> Iterator[Measure]:
    events_per_s = disjoint["events_per_s"]
    yield told(f"{_title(count)}, {rate}: origin", disjoint["origin"], "us", events_per_s=events_per_s)
    yield told("  Redis", disjoint["redis"], "us")
    if shared is not None:
        yield at_most("  each node without interest", disjoint["others"], _REACH_UNINTERESTED, "us")
        yield told("  if all want it: origin", shared["origin"], "us", events_per_s=shared["events_per_s"])
        yield told("  each other node", shared["others"], "us")
        yield told("  Redis", shared["redis"], "us")


def _all_rates(stage: Stage, cluster: Nodes, idle: Sequence[float]) -> dict[str, dict[str, float]]:
    requests = publish_requests([f"bench-{i}" for i in range(_CHANNELS)], count=4096, data_bytes=_DATA_BYTES)
    return {
        name: medians([_round(stage, cluster, requests, rate, idle) for _ in range(_ROUNDS)])
        for name, rate in _RATES.items()
    }


def _round(
    stage: Stage, cluster: Nodes, requests: Sequence[str], rate: float, idle: Sequence[float]
) -> dict[str, float]:
    """Return the CPU per event, in microseconds, beyond what everybody uses while nothing happens."""
    before, started = cluster.cpu_seconds(), time.perf_counter()
    load = cluster.nodes[0].load
    done = load.publish(requests, publishers=_PUBLISHERS, rate=rate, seconds=stage.seconds, fanout=1)
    wall = time.perf_counter() - started
    used = [now - then for now, then in zip(cluster.cpu_seconds(), before, strict=True)]
    costs = [(one - share * wall) / done.accepted * 1e6 for one, share in zip(used, idle, strict=True)]
    origin, *others, redis = costs
    mean = sum(others) / max(1, len(others))
    return {"origin": origin, "others": mean, "redis": redis, "events_per_s": done.accepted / done.seconds}


def _busyness(cluster: Nodes, seconds: float) -> list[float]:
    """Return the fraction of a core that each uses while nothing happens."""
    before = cluster.cpu_seconds()
    time.sleep(2 * seconds)
    return [(now - then) / (2 * seconds) for now, then in zip(cluster.cpu_seconds(), before, strict=True)]
