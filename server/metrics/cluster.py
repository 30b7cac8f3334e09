"""The cluster's numbers as Prometheus reads them: what this node knows of the others, and of the state they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.metrics.families import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client import Metric

    from adapter.plain_numbers import ClusterNumbers, StoreNumbers


class ClusterCollector:
    """Reads an adapter when it is scraped.

    :param numbers: returns what the adapter knows.
    """

    def __init__(self, numbers: Callable[[], ClusterNumbers]) -> None:
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        numbers = self._numbers()
        text = "Nodes of the cluster as this node sees it, by the state that they declare."
        yield gauge("shoal_cluster_nodes", text, ["state"], _by_label(numbers.nodes))
        for name, text, value in (
            ("shoal_cluster_late_nodes", "Nodes whose heartbeat is overdue, and who are not dead yet.", numbers.late),
            ("shoal_cluster_connections", "Connections of all nodes together.", numbers.connections),
            ("shoal_cluster_topics", "Channels and users that this node listens to.", numbers.topics),
        ):
            yield gauge(name, text, [], [((), value)])
        if numbers.store is not None:
            yield from _gauges(numbers.store)
            yield from _counters(numbers.store)


def _gauges(store: StoreNumbers) -> Iterator[Metric]:
    text = "Whether each Redis primary is in use: 1, or 0 while this node can't work with it."
    yield gauge("shoal_redis_up", text, ["redis"], _by_label(store.up))
    text = "1 for what is wrong with each Redis just now; the log says what to do about it."
    now = {(problem.where, problem.kind) for problem in store.problems}
    places = dict.fromkeys([*store.up, *(where for where, _ in now)])
    problems = [((where, kind), float((where, kind) in now)) for where in places for kind in store.kinds]
    yield gauge("shoal_redis_problem", text, ["redis", "problem"], problems)
    text = "How long the last probe took through each Redis, there and back; one goes each second."
    yield gauge("shoal_redis_probe_seconds", text, ["redis"], _by_label(store.probe_seconds))
    text = "Shards by state: away (no Redis), settling (Redis lost its memory, nodes enter again), live."
    yield gauge("shoal_redis_shards", text, ["state"], _by_label(store.shards))
    text = "Writes to Redis that are not answered yet."
    yield gauge("shoal_redis_waiting_writes", text, [], [((), store.waiting)])


def _counters(store: StoreNumbers) -> Iterator[Metric]:
    text = "Writes that Redis refused, by the code of its reply; each is tried again."
    yield counter("shoal_redis_refusals", text, ["code"], _by_label(store.refusals))
    for name, text, value in (
        ("shoal_redis_reconnects", "Links to Redis that broke and had to be made anew.", store.reconnects),
        ("shoal_redis_repairs", "Shards brought up to date after a broken link or a change of Redis.", store.repairs),
        ("shoal_redis_replayed_messages", "Messages delivered late, from the journal, by repairs.", store.replayed),
        ("shoal_redis_gaps", "Repairs for which the journal lacked messages: clients have missed some.", store.gaps),
        ("shoal_redis_publish_errors", "Publishes and terminations given up, answered with 503.", store.publish_errors),
        ("shoal_redis_unreadable_messages", "Messages of a release too far from this one, dropped.", store.unreadable),
        ("shoal_cluster_reborn", "Times that the others declared this node dead while it lived.", store.reborn),
        ("shoal_cluster_reaped_nodes", "Dead nodes that this node has cleaned up after.", store.reaped),
    ):
        yield counter(name, text, [], [((), value)])


def _by_label(values: Mapping[str, float]) -> list[tuple[tuple[str, ...], float]]:
    return [((label,), float(value)) for label, value in values.items()]
