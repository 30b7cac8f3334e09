"""How many commands a node sends to Redis for what its clients do. A script is one command."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from adapter.redis.scripts import Scripts
from bench.cluster.client import subscribe, subscriber, unsubscribe
from bench.cluster.nodes import Nodes, running_nodes
from bench.measure import Measure, told
from bench.signing import presence_subscription, publish_requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis import Redis

    from bench.stage import Stage

_BEAT = Scripts(sharded=False).digests["beat"]
_CLIENTS = 500
_CHANNELS = 50
_DATA_BYTES = 100
_IDLE_SECONDS = 20.0
_SETTLE_SECONDS = 9.0
"""Connections that broke keep their places for five seconds, and nodes tell their counts a little later."""


def measure(stage: Stage) -> list[Measure]:
    """Count the commands of two nodes while clients connect, join, publish and leave at one of them."""
    with running_nodes(stage, 2) as cluster:
        load = cluster.nodes[0].load
        time.sleep(_IDLE_SECONDS)
        with _monitored(cluster.redis) as lines:
            time.sleep(_IDLE_SECONDS)
        idle = len(lines) / _IDLE_SECONDS
        beats = sum(_BEAT in line for line in lines) / _IDLE_SECONDS
        connect = _count(cluster, lambda: load.open(_CLIENTS), idle)
        joins = [
            presence_subscription(each, f"presence-{i % _CHANNELS}", str(i)) for i, each in enumerate(load.socket_ids())
        ]
        join = _count(cluster, lambda: load.subscribe(joins), idle)
        requests = publish_requests([f"presence-{i}" for i in range(_CHANNELS)], count=_CLIENTS, data_bytes=_DATA_BYTES)
        published: list[int] = []

        def publish() -> None:
            done = load.publish(requests, publishers=4, rate=500, seconds=10.0, fanout=_CLIENTS // _CHANNELS)
            published.append(done.accepted)

        publish_count = _count(cluster, publish, idle)
        broken = _count(cluster, lambda: os.kill(load.process.pid, signal.SIGKILL), idle)
        with subscriber(cluster.nodes[0].server.port) as connection:
            first = _count(cluster, lambda: _for_each_channel(subscribe, connection), idle)
            last = _count(cluster, lambda: _for_each_channel(unsubscribe, connection), idle)
    return [
        told("an idle node, each second", idle / 2, "commands"),
        told("  of them heartbeats", beats / 2, "commands"),
        told("a connection", connect / _CLIENTS, "commands"),
        told("a join of a presence channel", join / _CLIENTS, "commands"),
        told("an event", publish_count / published[0], "commands"),
        told("a first subscriber of a channel", first / _CHANNELS, "commands"),
        told("a last one that leaves, the topic as well", last / _CHANNELS, "commands"),
        told("a broken connection with one channel", broken / _CLIENTS, "commands"),
    ]


def _for_each_channel(act: Callable[[socket.socket, str], None], connection: socket.socket) -> None:
    for number in range(_CHANNELS):
        act(connection, f"own-{number}")


def _count(cluster: Nodes, act: Callable[[], object], idle: float) -> float:
    """Return the commands that an act has caused, those left out that nodes send anyway each second."""
    started = time.perf_counter()
    with _monitored(cluster.redis) as lines:
        act()
        time.sleep(_SETTLE_SECONDS)
    return len(lines) - idle * (time.perf_counter() - started)


@contextmanager
def _monitored(redis: Redis) -> Iterator[list[bytes]]:
    """Have Redis tell of each command it is sent; those that scripts call among themselves are left out."""
    told: list[bytes] = []
    with socket.create_connection(("127.0.0.1", redis.get_connection_kwargs()["port"])) as connection:
        connection.sendall(b"MONITOR\r\n")
        listener = threading.Thread(target=_read_lines, args=(connection, told))
        listener.start()
        try:
            yield told
        finally:
            connection.shutdown(socket.SHUT_RDWR)
            listener.join()


def _read_lines(connection: socket.socket, told: list[bytes]) -> None:
    with connection.makefile("rb") as lines:
        # +1790000000.123456 [0 127.0.0.1:54321] "EVALSHA" "0123..." ...
        told.extend(line[:120] for line in lines if b" lua] " not in line[:40] and line.startswith(b"+1"))
