"""A rate of back ends is one of the cluster: whoever asks which node, together they get what the application may."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.cluster.api import Api
from tests.cluster.nodes import Cluster
from tests.cluster.waiting import eventually

if TYPE_CHECKING:
    from tests.cluster.observer import Crowd

pytestmark = pytest.mark.cluster

RATE, SECONDS = 50, 3.0


async def test_back_ends_of_all_nodes_share_one_rate_and_what_is_refused_reaches_nobody(crowd: Crowd) -> None:
    with Cluster(3, app={"max_backend_events_per_second": RATE}) as cluster:
        observer = await crowd.connect(cluster.nodes[0])
        await observer.subscribe("talk")
        loop = asyncio.get_running_loop()
        began = loop.time()
        until = began + SECONDS
        statuses: Counter[int] = Counter()

        async def back_end(number: int) -> None:
            async with Api(cluster.nodes[number % 3]) as api:
                while loop.time() < until:
                    answer = await api.publish("talk", "x")
                    statuses[answer.status] += 1
                    headers = {name.lower(): value for name, value in answer.headers.items()}
                    assert headers["x-ratelimit-limit"] == str(RATE)
                    assert ("retry-after" in headers) == (answer.status == 429)
                    await asyncio.sleep(0.01)

        await asyncio.gather(*(back_end(number) for number in range(6)))
        seconds = loop.time() - began
        assert statuses.keys() == {200, 429}
        assert 0.7 * RATE * SECONDS <= statuses[200] <= RATE * (seconds + 2)
        assert (
            sum(node.metric("shoal_http_requests_limited_total", limit="events") for node in cluster.nodes)
            == (statuses[429])
        )
        heard = observer.attended["talk"].events
        await eventually(lambda: len(heard) >= statuses[200], "hears what was accepted")
        assert len(heard) == statuses[200]
