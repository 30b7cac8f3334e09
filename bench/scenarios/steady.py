"""The same channel at a rate that a node has time for: what a delivery costs, and how long it takes."""

from collections.abc import Sequence

from bench.generator import Generator, Published
from bench.measure import Measure, at_most, medians, told
from bench.server import Server
from bench.signing import publish_requests
from bench.stage import Stage

_SUBSCRIBERS = 1000
_PUBLISHERS = 16
_EVENTS_PER_SECOND = 200
_DATA_BYTES = 100
_REACH = 2.2  # times the CPU of the kernel's send(): nothing can be gathered at this rate
_REACH_P99_MS = 10.0
# Where the kernel alone needs most of a core for 200 x 1,000 sends a second, the latency there says little about the
# server; so it is told for a fraction of that rate too.
_EASY_EVENTS_PER_SECOND = 50


def measure(stage: Stage) -> list[Measure]:
    """Compare the server's CPU per delivery with the kernel's per send, in turns, and tell the latency."""
    requests = publish_requests(["bench-0"], count=4096, data_bytes=_DATA_BYTES)
    with stage.running() as (server, load):
        load.open(_SUBSCRIBERS, channel="bench-")
        rounds = [_round(stage, server, load, requests) for _ in range(stage.rounds)]
        easy = _publish(stage, load, requests, rate=_EASY_EVENTS_PER_SECOND)
    middle = medians(rounds)
    ratio, p99 = middle.pop("ratio"), middle.pop("p99_ms")
    return [
        at_most("CPU per delivery, to the kernel's send", ratio, _REACH, "x", **middle),
        at_most("99 of 100 deliveries within", p99, _REACH_P99_MS, "ms"),
        told(f"the same at {_EASY_EVENTS_PER_SECOND} events/s", easy.p99_ms, "ms", p50_ms=easy.p50_ms),
    ]


def _publish(stage: Stage, load: Generator, requests: Sequence[str], *, rate: float) -> Published:
    return load.publish(requests, publishers=_PUBLISHERS, rate=rate, seconds=stage.seconds, fanout=_SUBSCRIBERS)


def _round(stage: Stage, server: Server, load: Generator, requests: Sequence[str]) -> dict[str, float]:
    meter = stage.meter(server, load)
    done = _publish(stage, load, requests, rate=_EVENTS_PER_SECOND)
    used = meter.read()
    kernel = stage.kernel_send(done.frame_bytes)
    cpu_us = used.us_per(done.delivered)
    return {
        "ratio": cpu_us / kernel.cpu_us,
        "server_us_per_delivery": cpu_us,
        "kernel_us_per_send": kernel.cpu_us,
        "deliveries_per_s": done.delivered / done.seconds,
        "kernel_alone_percent": 100 * kernel.cpu_us * done.delivered / 1e6 / done.seconds,
        "p50_ms": done.p50_ms,
        "p99_ms": done.p99_ms,
        "max_ms": done.max_ms,
        **used.shares(),
    }
