"""Fifteen thousand clients come, subscribe and stay.

How fast they come, whether the last come as fast as the first, and how much memory each of them takes.
"""

import time
from dataclasses import dataclass

from bench.generator import Generator
from bench.measure import Measure, at_least, at_most
from bench.server import Server
from bench.stage import Stage

_CLIENTS = 15_000
_STEP = 1000  # clients between two looks at the clock
_WARM_UP = 200
_WINDOW = 128  # handshakes under way at once
_SETTLE_SECONDS = 2.0
_REACH_PER_SECOND = 4000.0
_REACH_BYTES = 9000.0
_REACH_LAST = 1.25  # times the CPU of the first thousand


@dataclass(frozen=True, slots=True)
class _Step:
    seconds: float
    cpu_seconds: float


def measure(stage: Stage) -> list[Measure]:
    """Open the clients in steps of a thousand; then let them idle and look at the memory."""
    with stage.running() as (server, load):
        load.open(_WARM_UP, channel="bench-")
        before = _settled_memory(server)
        steps = [_open(server, load) for _ in range(_CLIENTS // _STEP)]
        grown = _settled_memory(server) - before
    return [*_pace(steps), at_most("memory per idle connection", grown / _CLIENTS, _REACH_BYTES, "bytes")]


def _pace(steps: list[_Step]) -> list[Measure]:
    first, last = steps[0], steps[-1]
    return [
        at_least(
            f"connect and subscribe, {_CLIENTS:,} clients",
            _CLIENTS / sum(step.seconds for step in steps),
            _REACH_PER_SECOND,
            "/s",
            cpu_us_each=sum(step.cpu_seconds for step in steps) / _CLIENTS * 1e6,
            first_thousand_per_s=_STEP / first.seconds,
            last_thousand_per_s=_STEP / last.seconds,
        ),
        at_most("CPU of the last thousand, to the first", last.cpu_seconds / first.cpu_seconds, _REACH_LAST, "x"),
    ]


def _open(server: Server, load: Generator) -> _Step:
    cpu = server.process.cpu_seconds()
    seconds = load.open(_STEP, window=_WINDOW, channel="bench-")
    return _Step(seconds, server.process.cpu_seconds() - cpu)


def _settled_memory(server: Server) -> int:
    time.sleep(_SETTLE_SECONDS)
    return server.process.resident_bytes()
