"""What a node tells Prometheus once a little of everything has happened to it, so that labels have been seen."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.adapter.redis.servers import running, valkey_binary
from tests.harness.node import start_node

if TYPE_CHECKING:
    from tests.adapter.redis.servers import Server
    from tests.harness.node import RunningNode


APP = {
    "id": "app-id",
    "key": "app-key",
    "secret": "app-secret",
    # Nobody listens there.
    "webhooks": [{"url": "http://127.0.0.1:9/", "event_types": ["channel_occupied"]}],
}
"""That of a node without any configuration, with more to see."""


def exposition() -> str:
    """Start a node with a Redis, visit it, and return its metrics as text."""
    with TemporaryDirectory(prefix="shoal-redis-") as folder, running(valkey_binary(), Path(folder)) as redis:
        return _visited(redis)


def _visited(redis: Server) -> str:
    settings = {"SHOAL_REDIS": redis.url, "SHOAL_MAX_FAILED_REQUESTS_PER_SECOND_PER_IP": "1"}
    settings |= {"SHOAL_WEBHOOK_DEBOUNCE": "0"}
    with start_node(settings, apps=[APP]) as node, connect(f"{node.websocket_url}?protocol=7") as client:
        client.recv()
        client.send('{"event":"pusher:subscribe","data":{"channel":"somewhere"}}')
        client.recv()
        client.send("no JSON")
        client.recv()
        client.send('{"event":"pusher:unsubscribe","data":{"channel":"somewhere"}}')
        _come_and_go(node)
        _fail_too_often(node)
        _send_nonsense(node)
        redis.command("CONFIG", "SET", "maxmemory", "1mb")
        client.send('{"event":"pusher:subscribe","data":{"channel":"elsewhere"}}')
        node.wait_until(lambda: node.metric("shoal_redis_refusals_total"), "counts that Redis is full")
        redis.command("CONFIG", "SET", "maxmemory", "0")
        node.signal(signal.SIGHUP)
        node.wait_until(lambda: node.metric("shoal_connections_closed_total"), "counts the close")
        node.wait_until(lambda: node.metric("shoal_configuration_reloads_total"), "counts the reload")
        node.wait_until(lambda: node.metric("shoal_webhook_retries_total"), "counts webhooks that nobody took")
        node.wait_until(lambda: node.metric("shoal_webhook_events_total"), "counts an event that nobody wants")
        return httpx.get(f"{node.metrics_url}/metrics").text


def _come_and_go(node: RunningNode) -> None:
    """Once as a client that leaves again, once with a key that nobody has."""
    with connect(f"{node.websocket_url}?protocol=7") as client:
        client.recv()
    with connect(f"ws://{node.host}:{node.port}/app/nobody?protocol=7") as stranger, suppress(ConnectionClosed):
        while True:
            stranger.recv()


def _fail_too_often(node: RunningNode) -> None:
    """Be refused, however slowly a busy machine fails."""
    with httpx.Client(base_url=node.url) as client:
        assert 429 in (client.get("/apps/app-id/channels").status_code for _ in range(1_000))


def _send_nonsense(node: RunningNode) -> None:
    with socket.create_connection((node.host, node.port), timeout=10) as connection:
        connection.sendall(b"NONSENSE\r\n\r\n")
        connection.recv(1024)
