"""A node that a little has happened to, and what it then tells Prometheus."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.harness.node import start_node

if TYPE_CHECKING:
    from tests.harness.node import RunningNode

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}


@pytest.fixture(scope="session")
def exposed() -> dict[str, set[str]]:
    """The names of all series of a node, with the labels that they were seen with."""
    with start_node() as node:
        _visit(node)
        text = httpx.get(f"{node.metrics_url}/metrics").text
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for suffix in _SUFFIXES.get(family.type, ("",)):
            found.setdefault(family.name + suffix, set())
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def _visit(node: RunningNode) -> None:
    """Do what gives series to the metrics that have labels: come and go, be turned away, ask in vain."""
    with connect(f"{node.websocket_url}?protocol=7") as client:
        client.recv()
        client.send('{"event":"pusher:subscribe","data":{"channel":"somewhere"}}')
        client.recv()
        client.send("no JSON")
        client.recv()
    with connect(f"ws://{node.host}:{node.port}/app/nobody?protocol=7") as stranger, suppress(ConnectionClosed):
        while True:
            stranger.recv()
    httpx.get(f"{node.url}/apps/app-id/channels")
    node.wait_until(lambda: node.metric("shoal_connections_closed_total"), "counts the close")
