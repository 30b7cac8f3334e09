"""What a cluster of so many connections needs: ``python -m bench.scaling --connections 1000000``.

Worked out from unit costs, each measured by ``make bench``; give your machine's own, and what your clients do. The
model is simple on purpose: averages, clients spread evenly over nodes, channels evenly over Redis.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields, replace
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHARDS = 64
"""Into which channels are divided: more Redis primaries than that have nothing to do."""
MOST_NODES = 100_000
"""Beyond which the calculator doesn't look."""
GIGABIT = 125_000_000.0
EXAMPLES = (100_000, 1_000_000, 10_000_000)


@dataclass(frozen=True, slots=True)
class Demand:
    """What clients and back ends do."""

    connections: float = 1_000_000
    channels: float = 3
    """That each connection is subscribed to."""
    minutes: float = 10
    """That a connection lasts."""
    events: float = 1
    """A second, for each thousand connections."""
    audience: float = 100
    """Subscribers that an event goes to."""
    bytes: float = 200
    """Of an event, its name and channel included."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Microseconds of CPU, as measured on the machine of docs/scaling.md, and what a machine has."""

    connect_us: float = 270
    """Of a node: a connection that comes, subscribes and goes."""
    origin_us: float = 360
    """Of a node: an event that it is told of."""
    interest_us: float = 75
    """Of a node: an event from elsewhere that its clients want."""
    delivery_us: float = 7
    """Of a node: handing an event to one client."""
    redis_event_us: float = 80
    """Of Redis: an event, with one node that wants it."""
    redis_interest_us: float = 5
    """Of Redis: each further node that wants it."""
    redis_command_us: float = 120
    """Of Redis: a client joins or leaves a channel."""
    redis_node_us: float = 1_500
    """Of Redis: a node for a second, whatever it does."""
    redis_pair_us: float = 0.45
    """Of the first primary, which has the heartbeats: a node for a second, for each node that there is."""
    node_connections: float = 18_000
    """That a node takes."""
    node_cores: float = 0.6
    """That a node may use of its one."""
    redis_cores: float = 0.5
    """That a Redis primary may use of its one."""


@dataclass(frozen=True, slots=True)
class Need:
    """What it takes."""

    nodes: int
    limit: str
    """What a node runs out of first."""
    node_cores: float
    heartbeats: float
    """How much of a core of the first Redis primary they take."""
    primaries: float
    """Redis primaries; a fraction of one is what the first is busy with, of what it may be."""
    redis_bytes: float
    """A second, from Redis to all nodes."""
    client_bytes: float
    """A second, from all nodes to clients."""


def work_out(demand: Demand, costs: Costs) -> Need:
    """Find the smallest number of nodes that suffices, and what Redis has to do for them."""
    nodes = by_memory = max(1, ceil(demand.connections / costs.node_connections))
    while _node_load(demand, costs, nodes) > costs.node_cores:
        nodes = ceil(nodes * 1.02) if nodes > 50 else nodes + 1
    per_second = demand.events * demand.connections / 1e3
    interested = _interested(demand, nodes)
    return Need(
        nodes=nodes,
        limit="connections" if nodes == by_memory else "CPU",
        node_cores=_node_load(demand, costs, nodes),
        heartbeats=_heartbeats(costs, nodes),
        primaries=_redis_load(demand, costs, nodes) / costs.redis_cores,
        redis_bytes=per_second * interested * demand.bytes,
        client_bytes=per_second * demand.audience * demand.bytes,
    )


def _interested(demand: Demand, nodes: int) -> float:
    """Return how many nodes have one of an event's subscribers, who are anywhere."""
    without = (1 - 1 / nodes) ** demand.audience
    return float(nodes * (1 - without))


def _connects(demand: Demand) -> float:
    return demand.connections / demand.minutes / 60


def _node_load(demand: Demand, costs: Costs, nodes: int) -> float:
    """Return how much of a core each node uses."""
    event = costs.origin_us + _interested(demand, nodes) * costs.interest_us + demand.audience * costs.delivery_us
    events = demand.events * demand.connections / 1e3
    return (events * event + _connects(demand) * costs.connect_us) / nodes / 1e6


def _redis_load(demand: Demand, costs: Costs, nodes: int) -> float:
    """Return how many cores all of Redis uses; each channel is taken to be new to a node with each client."""
    event = costs.redis_event_us + (_interested(demand, nodes) - 1) * costs.redis_interest_us
    events = demand.events * demand.connections / 1e3
    changes = 2 * demand.channels * _connects(demand)
    rest = events * event + changes * costs.redis_command_us + nodes * costs.redis_node_us
    return rest / 1e6 + _heartbeats(costs, nodes)


def _heartbeats(costs: Costs, nodes: int) -> float:
    """Return how much of a core it takes that each node hears of each."""
    return nodes * nodes * costs.redis_pair_us / 1e6


def gives_way_first(demand: Demand, costs: Costs) -> str:
    """Say what is exhausted first if ever more of the same clients come, and at how many."""
    for step in range(1_000):
        more = replace(demand, connections=demand.connections * 1.05**step)
        need = work_out(more, costs)
        at = f"at {float(f'{more.connections:.2g}'):,.0f} connections"
        if need.heartbeats > costs.redis_cores:
            return f"heartbeats in the first Redis primary, {at}"
        if need.primaries > SHARDS:
            return f"{SHARDS} Redis primaries, one for each shard, {at}"
        if need.nodes > MOST_NODES:
            break
    return f"nothing up to {MOST_NODES:,} nodes"


def describe(demand: Demand, costs: Costs) -> Iterator[str]:
    """Say what it takes, a line each."""
    need = work_out(demand, costs)
    yield f"{demand.connections:,.0f} connections, {demand.events * demand.connections / 1e3:,.0f} events/s"
    yield f"  nodes            {need.nodes:,}, by {need.limit}; {100 * need.node_cores:.0f} % of a core each"
    busy = 100 * need.primaries / ceil(need.primaries) * costs.redis_cores
    yield f"  Redis primaries  {ceil(need.primaries):,}; {busy:.0f} % of a core each"
    yield f"  Redis to nodes   {need.redis_bytes / GIGABIT:.3g} Gbit/s"
    yield f"  nodes to clients {need.client_bytes / GIGABIT:.3g} Gbit/s"
    most = 1e6 * costs.redis_cores / costs.redis_event_us
    yield f"  one channel      at most {most:,.0f} events/s, since it has one primary"
    yield f"  gives way first  {gives_way_first(demand, costs)}"


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__.partition("\n")[0])
    parts: tuple[Demand | Costs, ...] = (Demand(), Costs())
    for part in parts:
        for field in fields(part):
            default = getattr(part, field.name)
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=float, metavar="N", help=f"[{default:g}]")
    chosen = {name: value for name, value in vars(parser.parse_args(given)).items() if value is not None}
    demand, costs = (
        replace(part, **{field.name: chosen[field.name] for field in fields(part) if field.name in chosen})
        for part in parts
    )
    assert isinstance(demand, Demand)
    assert isinstance(costs, Costs)
    sizes = (demand.connections,) if "connections" in chosen else EXAMPLES
    for size in sizes:
        print("\n".join(describe(replace(demand, connections=size), costs)))


if __name__ == "__main__":
    main()
