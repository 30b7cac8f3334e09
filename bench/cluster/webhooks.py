"""How fast one node empties a full outbox to a back end that answers at once: in batches, and one event a request."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from redis import Redis

from adapter.base import topic_of
from adapter.redis.keys import ShardKeys
from adapter.redis.shards import SHARDS, shard_of
from bench.cluster.nodes import running_redis
from bench.errors import BenchError
from bench.machine import pinned_to
from bench.measure import Measure, told
from bench.server import OUR_COMMAND, running_server
from bench.signing import APP_ID
from tools.cluster import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.stage import Stage

_CHANNELS = 1_000
_LONGEST = 120.0
_LOOK = 0.2
"""Seconds between two looks at how much is left, which cost Redis something too."""


def measure(stage: Stage) -> list[Measure]:
    """Fill the outbox, start a node, and see how long it takes."""
    count = 10_000 if stage.is_quick else 40_000
    return [
        *_measured(stage, "webhook events delivered, up to 50 a request", count, batch=50),
        *_measured(stage, "webhook events delivered, one a request", count // 4, batch=1),
    ]


def _measured(stage: Stage, what: str, count: int, *, batch: int) -> list[Measure]:
    with running_redis(stage) as (port, process), Redis(port=port) as redis, _running_sink(stage) as url:
        _fill(redis, count)
        command = (*OUR_COMMAND, "--redis", f"redis://127.0.0.1:{port}")
        app = {"webhooks": [{"url": url}]}
        settings = {"SHOAL_WEBHOOK_BATCH_EVENTS": str(batch)}
        with running_server(command, core=stage.cores.server, app=app, settings=settings) as server:
            before = server.process.cpu_seconds(), process.cpu_seconds()
            seconds = _seconds_until_empty(redis, count)
            used = server.process.cpu_seconds() - before[0], process.cpu_seconds() - before[1]
    node_us, redis_us = (cpu / count * 1e6 for cpu in used)
    return [told(what, count / seconds, "/s", cpu_us_per_event=node_us, redis_us_per_event=redis_us)]


def _fill(redis: Redis, count: int) -> None:
    """Write what the scripts write when channels become occupied."""
    pipeline = redis.pipeline(transaction=False)
    for number in range(count):
        topic = topic_of(APP_ID, f"channel-{number % _CHANNELS}")
        keys = ShardKeys("shoal", shard_of(topic))
        pipeline.xadd(keys.outbox, {"t": topic, "k": "occupied", "u": "", "p": ""})
    pipeline.execute()


def _seconds_until_empty(redis: Redis, count: int) -> float:
    """Return the seconds from when it begins to be emptied until it is empty."""
    deadline = time.monotonic() + _LONGEST
    began = None
    while (left := _length(redis)) > 0:
        if began is None and left < count:
            began = time.monotonic()
        if time.monotonic() > deadline:
            raise BenchError(f"{left} of {count} webhook events are left after {_LONGEST:g} s")
        time.sleep(_LOOK)
    if began is None:
        raise BenchError(f"{count} webhook events are too few to be measured")
    return time.monotonic() - began


def _length(redis: Redis) -> int:
    """Return how many there are in the outbox, those included that were postponed."""
    pipeline = redis.pipeline(transaction=False)
    for number in range(SHARDS):
        pipeline.xlen(ShardKeys("shoal", number).outbox)
        pipeline.zcard(ShardKeys("shoal", number).held_back)
    return sum(pipeline.execute())


@contextmanager
def _running_sink(stage: Stage) -> Iterator[str]:
    port = free_port()
    with pinned_to(stage.cores.load):
        process = subprocess.Popen([sys.executable, "-m", "bench.cluster.sink", str(port)])
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.wait()
