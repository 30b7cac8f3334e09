"""A node that Redis cuts off, because it doesn't take its messages fast enough, misses none of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.cluster.api import Api
from tests.cluster.nodes import Cluster
from tests.cluster.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.observer import Crowd

pytestmark = pytest.mark.cluster

# The journal of each of the 64 shards has room for 4 MiB, so the flood is spread over many channels. It must be more
# than kernels keep for a connection; and Valkey 9 doesn't count messages above 16 KiB, which it has only once for all.
CHANNELS, EVENTS, SIZE = 100, 2_500, 8_192
LIMIT = ("--client-output-buffer-limit", "pubsub 1mb 0 0")


async def test_node_that_redis_cuts_off_in_a_flood_misses_nothing(
    crowd: Crowd, measured: Callable[[str], None]
) -> None:
    app = {"max_event_bytes": SIZE}
    with Cluster(2, app=app, server_options=LIMIT) as cluster:
        flooding, slow = cluster.members
        channels = [f"private-flood-{number}" for number in range(CHANNELS)]
        listeners = [await crowd.connect(member.node, member.name) for member in cluster.members]
        for listener in listeners:
            for channel in channels:
                await listener.subscribe(channel)

        slow.pause()
        async with Api(flooding.node) as api:
            for number in range(EVENTS):
                answer = await api.publish(channels[number % CHANNELS], f"{number} ".ljust(SIZE, "x"))
                assert answer.status == 200
        await eventually(lambda: _cut_off(cluster) > 0, "Redis cuts it off")
        slow.go_on()

        def seen(channel: str) -> list[list[int]]:
            return [[int(data.split()[0]) for data in one.attended[channel].data] for one in listeners]

        expected = {channel: list(range(number, EVENTS, CHANNELS)) for number, channel in enumerate(channels)}
        took = await eventually(
            lambda: all(seen(channel) == [expected[channel]] * 2 for channel in channels), "all see all"
        )
        assert "connection to Redis lost" in slow.node.log()
        assert slow.gaps() == 0
        assert not crowd.lost()
        measured(f"{EVENTS * SIZE >> 20} MiB of flood, cut off {_cut_off(cluster)} times, caught up in {took:.1f} s")


def _cut_off(cluster: Cluster) -> int:
    """Return how many connections Redis has ended because of their output buffers."""
    stats = cluster.redis.command("INFO", "stats")
    return int(re.search(r"client_output_buffer_limit_disconnections:(\d+)", stats)[1])  # type: ignore[index]
