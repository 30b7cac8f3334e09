"""A thousand channels with one subscriber each: what a publish costs when hardly anybody listens."""

from bench.measure import Measure, at_most, medians
from bench.signing import publish_requests
from bench.stage import Stage

_CHANNELS = 1000
_PUBLISHERS = 16
_DATA_BYTES = 100
_REACH_US = 90.0


def measure(stage: Stage) -> list[Measure]:
    """Measure the server's CPU per publish, the one delivery of each included."""
    channels = [f"bench-{i}" for i in range(_CHANNELS)]
    requests = publish_requests(channels, count=4 * _CHANNELS, data_bytes=_DATA_BYTES)
    rounds: list[dict[str, float]] = []
    with stage.running() as (server, load):
        load.open(_CHANNELS, channel="bench-", spread=_CHANNELS)
        for _ in range(stage.rounds):
            cpu = server.process.cpu_seconds()
            done = load.publish(requests, publishers=_PUBLISHERS, rate=0, seconds=stage.seconds, fanout=1)
            cpu = server.process.cpu_seconds() - cpu
            rounds.append({"us": cpu / done.accepted * 1e6, "publishes_per_s": done.accepted / done.seconds})
    middle = medians(rounds)
    return [at_most("CPU per publish", middle.pop("us"), _REACH_US, "us", **middle)]
