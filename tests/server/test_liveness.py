"""Silence, and what time does to connections, on a running node with short times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.client import Client
from tests.harness.node import start_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.node import RunningNode

APPS = [
    {"id": "1", "key": "k", "secret": "s", "client_events": True},
    {"id": "2", "key": "wants-names", "secret": "s", "authorization_timeout": 2},
]


@pytest.fixture(scope="module")
def node() -> Iterator[RunningNode]:
    # Pings come again to who has answered, however much time they have for that.
    times = {"SHOAL_ACTIVITY_TIMEOUT": "1", "SHOAL_PONG_TIMEOUT": "10", "SHOAL_HOLD_UNCLEAN": "1"}
    with start_node(times, apps=APPS) as node:
        yield node


async def test_a_client_that_says_nothing_and_answers_no_ping_is_closed_with_4201() -> None:
    with start_node({"SHOAL_ACTIVITY_TIMEOUT": "1", "SHOAL_PONG_TIMEOUT": "1"}) as hasty:
        client = await Client.connect(hasty)
        # The library under the test client answers WebSocket pings by itself: this one is made mute.
        _stop_answering(client)
        await client.expect("pusher:ping")
        await client.expect_error(4201)
        assert (await client.expect_close()).code == 4201


async def test_a_client_that_answers_websocket_pings_only_stays(node: RunningNode) -> None:
    client = await Client.connect(node)
    for _ in range(3):
        await client.expect("pusher:ping")
    await client.close()


async def test_a_client_that_neither_signs_in_nor_joins_a_private_channel_in_time_is_closed(node: RunningNode) -> None:
    lazy, busy = [await Client.open(node, key="wants-names", ignored=["pusher:ping"]) for _ in range(2)]
    await lazy.established()
    await busy.established()
    busy.app = type(busy.app)("2", "wants-names", "s")
    await busy.subscribe("private-x")
    await lazy.expect_error(4009)
    closed = await lazy.expect_close()
    assert (closed.code, closed.reason) == (4009, "Connection not authorized within timeout")
    assert await busy.settled() == []
    await busy.close()


async def test_a_member_whose_connection_broke_and_came_back_is_no_news(node: RunningNode) -> None:
    async with await Client.connect(node) as observer:
        await observer.subscribe("presence-back", user={"user_id": "observer"})
        first = await Client.connect(node)
        await first.subscribe("presence-back", user={"user_id": "traveller"})
        await observer.expect("pusher_internal:member_added")
        first.drop()
        second = await Client.connect(node)
        roster = await second.subscribe("presence-back", user={"user_id": "traveller"})
        assert sorted(roster["presence"]["ids"]) == ["observer", "traveller"]
        # Longer than the hold, which the server's own pings measure.
        await observer.expect("pusher:ping")
        await observer.expect("pusher:ping")
        assert [message.event for message in await observer.settled()] == []
        await second.close()
        removed = await observer.expect("pusher_internal:member_removed")
        assert removed.value == {"user_id": "traveller"}


async def test_a_member_whose_connection_broke_for_good_is_removed_after_its_hold(node: RunningNode) -> None:
    async with await Client.connect(node) as observer:
        await observer.subscribe("presence-gone", user={"user_id": "observer"})
        lost = await Client.connect(node)
        await lost.subscribe("presence-gone", user={"user_id": "lost"})
        await observer.expect("pusher_internal:member_added")
        lost.drop()
        events = [(await observer.receive()).event]
        while events[-1] == "pusher:ping":
            events.append((await observer.receive()).event)
        assert events[-1] == "pusher_internal:member_removed"


def _stop_answering(client: Client) -> None:
    """Have the library read pings and send nothing for them."""
    protocol = client.connection.protocol
    original = protocol.send_frame

    def send_frame(frame: object) -> None:
        if "PONG" not in str(frame):
            original(frame)  # type: ignore[arg-type]

    protocol.send_frame = send_frame  # type: ignore[method-assign]
