"""The scenarios, by the name that --only takes, in the order in which they run."""

from collections.abc import Callable, Mapping

from bench.cluster import latency, operations, publishing, scripts, webhooks
from bench.measure import Measure
from bench.scenarios import client_events, connections, fanout, presence, spread, steady
from bench.stage import Stage

SCENARIOS: Mapping[str, Callable[[Stage], list[Measure]]] = {
    "fanout": fanout.measure,
    "steady": steady.measure,
    "spread": spread.measure,
    "connections": connections.measure,
    "client-events": client_events.measure,
    "presence": presence.measure,
    "cluster-events": publishing.measure,
    "cluster-latency": latency.measure,
    "cluster-commands": operations.measure,
    "cluster-scripts": scripts.measure,
    "cluster-webhooks": webhooks.measure,
}
