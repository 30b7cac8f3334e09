"""The same channel at a rate that a node has time for: what a delivery costs, and how long it takes."""

from collections.abc import Sequence

from bench.generator import Generator
from bench.measure import Measure, at_most, medians, told
from bench.server import Server
from bench.signing import publish_requests
from bench.stage import Stage

_SUBSCRIBERS = 1000
_PUBLISHERS = 16
_EVENTS_PER_SECOND = 200
_DATA_BYTES = 100
_REACH = 2.2  # times the CPU of the kernel's send(): nothing can be gathered at a steady rate
_REACH_P99_MS = 10.0
# Where the kernel alone needs most of a core for 200 x 1,000 sends a second, events do pile up and are gathered, and
# the latency is the machine's. So both numbers are told for a fraction of that rate too.
_EASY_EVENTS_PER_SECOND = 50


def measure(stage: Stage) -> list[Measure]:
    """Compare the server's CPU per delivery with the kernel's per send, in turns, and tell the latency."""
    requests = publish_requests(["bench-0"], count=4096, data_bytes=_DATA_BYTES)
    with stage.running() as (server, load):
        load.open(_SUBSCRIBERS, channel="bench-")
        rounds, easy_rounds = (
            [_round(stage, server, load, requests, rate) for _ in range(stage.rounds)]
            for rate in (_EVENTS_PER_SECOND, _EASY_EVENTS_PER_SECOND)
        )
    middle, easy = medians(rounds), medians(easy_rounds)
    at_ease = f"at {_EASY_EVENTS_PER_SECOND} events/s:"
    return [
        at_most("CPU per delivery, to the kernel's send", middle.pop("ratio"), _REACH, "x", **middle),
        at_most("99 of 100 deliveries within", middle["p99_ms"], _REACH_P99_MS, "ms"),
        told(f"{at_ease} CPU per delivery", easy.pop("ratio"), "x", **easy),
        told(f"{at_ease} 99 of 100 within", easy["p99_ms"], "ms"),
    ]


def _round(stage: Stage, server: Server, load: Generator, requests: Sequence[str], rate: float) -> dict[str, float]:
    meter = stage.meter(server, load)
    done = load.publish(requests, publishers=_PUBLISHERS, rate=rate, seconds=stage.seconds, fanout=_SUBSCRIBERS)
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
