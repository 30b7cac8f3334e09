"""Fifteen thousand clients come, subscribe and stay.

How fast they come, whether the last come as fast as the first, and how much memory each of them takes.
"""

import time
from dataclasses import dataclass
from statistics import mean, median

from bench.generator import Generator
from bench.measure import Measure, at_least, at_most, estimated_there, medians
from bench.meter import Usage
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
    """How a thousand clients came."""

    seconds: float
    used: Usage
    slowness: float

    @property
    def per_second(self) -> float:
        return _STEP / self.seconds


def measure(stage: Stage) -> list[Measure]:
    """Open the clients in steps of a thousand; then let them idle and look at the memory."""
    with stage.running() as (server, load):
        load.open(_WARM_UP, channel="bench-")
        before = _settled_memory(server)
        steps = [_open(stage, server, load) for _ in range(_CLIENTS // _STEP)]
        grown = _settled_memory(server) - before
    return [*_pace(steps), at_most("memory per idle connection", grown / _CLIENTS, _REACH_BYTES, "bytes")]


def _open(stage: Stage, server: Server, load: Generator) -> _Step:
    meter = stage.meter(server, load)
    seconds = load.open(_STEP, window=_WINDOW, channel="bench-")
    return _Step(seconds, meter.read(), stage.slowness())


def _settled_memory(server: Server) -> int:
    time.sleep(_SETTLE_SECONDS)
    return server.process.resident_bytes()


def _pace(steps: list[_Step]) -> list[Measure]:
    first, last = steps[0], steps[-1]
    cpu_us = mean(step.used.us_per(_STEP) for step in steps)
    rate = _CLIENTS / sum(step.seconds for step in steps)
    told = {
        "per_cpu_second": 1e6 / cpu_us,
        "cpu_us_each": cpu_us,
        "first_thousand_per_s": first.per_second,
        "last_thousand_per_s": last.per_second,
        **medians([step.used.shares() for step in steps]),
    }
    return [
        at_least(f"connect and subscribe, {_CLIENTS:,} clients", rate, _REACH_PER_SECOND, "/s", **told),
        estimated_there(1e6 / cpu_us, "/s", slowness=median(step.slowness for step in steps)),
        at_most("CPU of the last thousand, to the first", last.used.server / first.used.server, _REACH_LAST, "x"),
    ]
