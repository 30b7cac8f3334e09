"""A thousand channels with one subscriber each: what a publish costs when hardly anybody listens."""

from collections.abc import Sequence

from bench.generator import Generator
from bench.measure import Measure, at_most, estimated_there, medians, told
from bench.server import Server
from bench.signing import publish_requests
from bench.stage import Stage

_CHANNELS = 1000
_PUBLISHERS = 16
_DATA_BYTES = 100
_REACH_US = 90.0


def measure(stage: Stage) -> list[Measure]:
    """Measure the server's CPU per publish, the one delivery of each included, and that of the bare HTTP stack."""
    channels = [f"bench-{i}" for i in range(_CHANNELS)]
    requests = publish_requests(channels, count=4 * _CHANNELS, data_bytes=_DATA_BYTES)
    rounds: list[dict[str, float]] = []
    with stage.running() as ours, stage.running_bare() as bare:
        ours[1].open(_CHANNELS, channel="bench-", spread=_CHANNELS)
        for _ in range(stage.rounds):
            each = _round(stage, *ours, requests, fanout=1)
            bare_us = _round(stage, *bare, requests, fanout=0)["us"]
            compared = {"ratio": each["us"] / bare_us, "bare_us": bare_us, "slowness": stage.slowness()}
            rounds.append(each | compared)
    middle = medians(rounds)
    us, ratio, bare_us, slowness = (middle.pop(name) for name in ("us", "ratio", "bare_us", "slowness"))
    return [
        at_most("CPU per publish", us, _REACH_US, "us", **middle),
        estimated_there(us, "us", slowness=slowness),
        told("  to a bare HTTP answer's", ratio, "x", bare_us=bare_us),
    ]


def _round(stage: Stage, server: Server, load: Generator, requests: Sequence[str], *, fanout: int) -> dict[str, float]:
    meter = stage.meter(server, load)
    done = load.publish(requests, publishers=_PUBLISHERS, rate=0, seconds=stage.seconds, fanout=fanout)
    used = meter.read()
    return {"us": used.us_per(done.accepted), "publishes_per_s": done.accepted / used.wall, **used.shares()}
