"""Private channels of ten members who all talk: client events in, nine deliveries of each out."""

from collections.abc import Sequence

from bench.generator import Generator
from bench.measure import Measure, at_least, estimated_there, medians
from bench.server import Server
from bench.signing import client_event, numbered_data, private_subscription
from bench.stage import Stage

_CHANNELS = 100
_MEMBERS = 10
_DATA_BYTES = 100
_REACH_PER_SECOND = 20_000.0


def measure(stage: Stage) -> list[Measure]:
    """Keep one event of each member under way, and count those that all the others got."""
    names = [f"private-bench-{i // _MEMBERS}" for i in range(_CHANNELS * _MEMBERS)]
    said = [client_event(name, numbered_data(0, _DATA_BYTES)) for name in names]
    with stage.running() as (server, load):
        load.open(len(names))
        load.subscribe([private_subscription(*pair) for pair in zip(load.socket_ids(), names, strict=True)])
        rounds = [_round(stage, server, load, said) for _ in range(stage.rounds)]
    middle = medians(rounds)
    rate, slowness = middle.pop("rate"), middle.pop("slowness")
    return [
        at_least("client events received", rate, _REACH_PER_SECOND, "/s", **middle),
        estimated_there(middle["per_cpu_second"], "/s", slowness=slowness),
    ]


def _round(stage: Stage, server: Server, load: Generator, said: Sequence[str]) -> dict[str, float]:
    meter = stage.meter(server, load)
    done = load.talk(said, members=_MEMBERS, window=_MEMBERS, seconds=stage.seconds)
    used = meter.read()
    return {
        "rate": done.sent / done.seconds,
        "slowness": stage.slowness(),
        "per_cpu_second": 1e6 / used.us_per(done.sent),
        "deliveries_per_s": done.delivered / done.seconds,
        "cpu_us_per_event": used.us_per(done.sent),
        **used.shares(),
    }
