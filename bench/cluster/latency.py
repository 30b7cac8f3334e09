"""How long an event takes from the HTTP API of one node to a client of another."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from statistics import quantiles
from typing import TYPE_CHECKING

from bench.cluster.client import read_until, subscribe, subscriber
from bench.cluster.nodes import running_nodes
from bench.measure import Measure, told
from bench.signing import publish_request

if TYPE_CHECKING:
    from bench.stage import Stage

_EVENTS = 1_000
_PAUSE = 0.005
_TIMEOUT = 5.0


def measure(stage: Stage) -> list[Measure]:
    """Publish one event after the other through the first node, and await each at the second."""
    with running_nodes(stage, 2) as cluster, ExitStack() as stack:
        address = "127.0.0.1", cluster.nodes[0].server.port
        here = stack.enter_context(socket.create_connection(address, _TIMEOUT))
        there = stack.enter_context(subscriber(cluster.nodes[1].server.port))
        subscribe(there, "bench")
        taken = [_measure_one(here, there, number) for number in range(_EVENTS)]
    hundredths = quantiles(taken, n=100)
    return [
        told("API of one node to client of another, p50", hundredths[49], "ms"),
        told("  p99", hundredths[98], "ms", max_ms=max(taken)),
    ]


def _measure_one(here: socket.socket, there: socket.socket, number: int) -> float:
    """Return the milliseconds from sending a request to having read the event."""
    mark = f"#{number:08d}"
    request = publish_request("bench", mark).encode()
    started = time.perf_counter()
    here.sendall(request)
    read_until(there, mark.encode())
    taken = time.perf_counter() - started
    read_until(here, b"{}")
    time.sleep(_PAUSE)
    return taken * 1e3
