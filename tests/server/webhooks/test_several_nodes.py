"""Webhooks of nodes that share a Redis: who tells what, and what becomes of it when one of them goes."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.adapter.redis.servers import Server, running, valkey_binary
from tests.harness import Client
from tests.server.webhooks.conftest import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.harness import RunningNode
    from tests.harness.receiver import Receiver
    from tests.server.webhooks.conftest import Start

USER = {"user_id": "ana"}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    with running(valkey_binary(), tmp_path) as server:
        yield server


# Redis goes last, since nodes sign off there.
@pytest.fixture
def start_two(redis: Server, start: Start, receiver: Receiver) -> Callable[[], list[RunningNode]]:
    settings = {"SHOAL_REDIS": redis.url, "SHOAL_HOLD_LEAVING": "3", "SHOAL_WEBHOOK_GIVE_UP_AFTER": "60"}
    types = ["channel_occupied", "channel_vacated", "member_added", "member_removed"]
    webhook = {"url": receiver.url(), "event_types": types}
    return lambda: [start(webhook, settings=settings) for _ in range(2)]


async def connect(node: RunningNode) -> Client:
    return await Client.connect(node, ignored=["pusher_internal:subscription_count"])


async def test_a_user_on_two_nodes_comes_and_goes_once(
    start_two: Callable[[], list[RunningNode]], receiver: Receiver
) -> None:
    one, other = start_two()
    async with await connect(one) as here, await connect(other) as there:
        for client in (here, there):
            await client.subscribe("presence-room", user=USER)
        await until(lambda: len(receiver.accepted()) == 2)
        await here.unsubscribe("presence-room")
        await there.unsubscribe("presence-room")
        await until(lambda: len(receiver.accepted()) == 4)
    assert sorted(receiver.names()) == ["channel_occupied", "channel_vacated", "member_added", "member_removed"]


async def test_a_deploy_is_no_news(start_two: Callable[[], list[RunningNode]], receiver: Receiver) -> None:
    one, other = start_two()
    async with await connect(one) as client, await connect(one) as visitor:
        await visitor.subscribe("presence-room", user={"user_id": "ben"})
        await client.subscribe("presence-room", user=USER)
        await until(lambda: len(receiver.accepted()) == 3)
        one.signal(signal.SIGTERM)
        assert (await client.expect_close()).code == 4200
    async with await connect(other) as client:
        await client.subscribe("presence-room", user=USER)
        await until(lambda: not one.is_running)
        # The other's place was held as long.
        await until(lambda: "member_removed" in receiver.names())
        news = sorted((event["name"], event.get("user_id")) for _, event in receiver.accepted())
        added = [("member_added", "ana"), ("member_added", "ben")]
        assert news == [("channel_occupied", None), *added, ("member_removed", "ben")]


async def test_what_a_leaving_node_has_not_delivered_is_delivered_by_another(
    start_two: Callable[[], list[RunningNode]], receiver: Receiver
) -> None:
    receiver.behaviour["/hook"].status = 500
    nodes = start_two()
    async with await connect(nodes[0]) as client:
        await client.subscribe("presence-room", user=USER)
        await until(lambda: len(receiver.requests) >= 2)
        owner = next(node for node in nodes if node.metric("shoal_webhook_in_hand"))
        owner.signal(signal.SIGTERM)
        await until(lambda: not owner.is_running)
        receiver.behaviour["/hook"].status = 200
        await until(lambda: len(receiver.accepted()) == 2)
    assert {event_id for event_id, _ in receiver.accepted()} == set(receiver.requests[0].ids)
