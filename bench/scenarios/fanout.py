"""One channel with a thousand subscribers, and publishers that send as fast as they are answered."""

from collections.abc import Sequence

from bench.generator import Generator, Published
from bench.measure import Measure, at_least, medians
from bench.server import Server
from bench.signing import publish_requests
from bench.stage import Stage

_SUBSCRIBERS = 1000
_PUBLISHERS = 16
_DATA_BYTES = 100
_REACH = 3.0  # times the rate at which the kernel alone makes one send() per delivery


def measure(stage: Stage) -> list[Measure]:
    """Compare deliveries per second with the kernel's sends per second, in turns."""
    requests = publish_requests(["bench-0"], count=4096, data_bytes=_DATA_BYTES)
    with stage.running() as (server, load):
        load.open(_SUBSCRIBERS, channel="bench-")
        frame_bytes = _publish(load, requests, seconds=0.5).frame_bytes  # also warms the server up
        rounds = [_round(stage, server, load, requests, frame_bytes) for _ in range(stage.rounds)]
    middle = medians(rounds)
    return [at_least("deliveries, to the kernel's sends", middle.pop("ratio"), _REACH, "x", **middle)]


def _publish(load: Generator, requests: Sequence[str], *, seconds: float) -> Published:
    return load.publish(requests, publishers=_PUBLISHERS, rate=0, seconds=seconds, fanout=_SUBSCRIBERS)


def _round(
    stage: Stage, server: Server, load: Generator, requests: Sequence[str], frame_bytes: int
) -> dict[str, float]:
    kernel = stage.kernel_send(frame_bytes)
    meter = stage.meter(server, load)
    done = _publish(load, requests, seconds=stage.seconds)
    used = meter.read()
    rate = done.delivered / done.seconds
    return {
        "ratio": rate / kernel.per_second,
        "cpu_ratio": kernel.cpu_us / used.us_per(done.delivered),
        "deliveries_per_s": rate,
        "publishes_per_s": done.accepted / done.seconds,
        "kernel_sends_per_s": kernel.per_second,
        "p99_ms": done.p99_ms,
        **used.shares(),
    }
