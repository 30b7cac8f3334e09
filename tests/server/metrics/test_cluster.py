"""What nodes tell of their cluster, with a real Redis that comes and goes."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.adapter.redis.servers import Server, running, valkey_binary
from tests.cluster.api import Api
from tests.harness.node import start_node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.node import RunningNode

FAST = {"SHOAL_REDIS_PATIENCE": "0.5"}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    with running(valkey_binary(), tmp_path) as server:
        yield server


@pytest.fixture
def nodes(redis: Server) -> Iterator[list[RunningNode]]:
    with ExitStack() as stack:
        yield [stack.enter_context(start_node(FAST | {"SHOAL_REDIS": redis.url})) for _ in range(2)]


def until(node: RunningNode, name: str, value: float, **labels: str) -> None:
    node.wait_until(lambda: node.metric(name, **labels) == value, f"{name} is {value}", timeout=30)


def test_nodes_of_a_cluster_are_counted_by_each_of_them(nodes: list[RunningNode]) -> None:
    for node in nodes:
        until(node, "shoal_cluster_nodes", 2, state="ready")
        assert node.metric("shoal_redis_up") == 1
        assert node.metric("shoal_redis_shards", state="live") == 64
        node.wait_until(lambda: 0 < node.metric("shoal_redis_probe_seconds") < 1, "a probe is soon back")  # noqa: B023


def test_redis_that_is_away_and_back_shows_in_the_numbers(nodes: list[RunningNode], redis: Server) -> None:
    node = nodes[0]
    redis.kill()
    until(node, "shoal_redis_up", 0)
    assert node.metric("shoal_redis_shards", state="away") == 64
    redis.start()
    until(node, "shoal_redis_up", 1)
    until(node, "shoal_redis_shards", 64, state="live")
    assert node.metric("shoal_redis_reconnects_total") == 1
    assert node.metric("shoal_redis_repairs_total") >= 128


async def test_what_redis_refuses_is_counted_by_its_code(nodes: list[RunningNode], redis: Server) -> None:
    redis.command("CONFIG", "SET", "maxmemory", "1mb")
    async with Api(nodes[0]) as api:
        answer = await api.publish("a-channel", "refused")
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert nodes[0].metric("shoal_redis_refusals_total", code="OOM") > 0
        assert nodes[0].metric("shoal_redis_waiting_writes") == 1
        assert nodes[0].metric("shoal_redis_publish_errors_total") == 1
        redis.command("CONFIG", "SET", "maxmemory", "0")
        while (await api.publish("a-channel", "taken")).status != 200:
            pass
    until(nodes[0], "shoal_redis_waiting_writes", 0)


def test_node_that_is_alone_has_no_redis() -> None:
    with start_node() as node:
        until(node, "shoal_cluster_nodes", 1, state="ready")
        assert not [name for name in node.metrics() if name.startswith("shoal_redis")]
