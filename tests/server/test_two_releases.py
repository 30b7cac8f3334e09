"""Two releases side by side, as in every rolling deploy: what one writes the other reads, through a real Redis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from server import __version__
from tests.adapter.redis.servers import binary_of, running
from tests.cluster.api import Api
from tests.harness.client import Client
from tests.harness.node import start_node
from tests.server.releases import make_release

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.adapter.redis.servers import Server
    from tests.harness.client import Message
    from tests.harness.node import RunningNode

APP = {"id": "app-id", "key": "app-key", "secret": "app-secret", "client_events": True}
UNREADABLE = "shoal_redis_unreadable_messages_total"


@pytest.fixture(params=["valkey", "redis"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with running(binary_of(request.param), tmp_path) as server:
        yield server


@pytest.fixture
def ours(server: Server) -> Iterator[RunningNode]:
    with start_node({"SHOAL_REDIS": server.url}, apps=[APP]) as node:
        yield node


@pytest.fixture
def theirs(server: Server, steps: int, tmp_path: Path) -> Iterator[RunningNode]:
    """A node of a release that is `steps` ahead."""
    source = make_release(tmp_path / "release", steps)
    with start_node({"SHOAL_REDIS": server.url}, apps=[APP], source=source) as node:
        yield node


@pytest.mark.parametrize("steps", [1, -1])
async def test_events_of_neighbouring_releases_reach_each_other(ours: RunningNode, theirs: RunningNode) -> None:
    for here, there in ((ours, theirs), (theirs, ours)):
        async with await Client.connect(there) as client, await Client.connect(here) as other, Api(here) as api:
            await client.subscribe("private-both")
            await other.subscribe("private-both")
            assert (await api.publish("private-both", "from a back end")).status == 200
            for one in (client, other):
                assert (await one.expect("numbered")).data == "from a back end"
            await other.send("client-said", "from a client", "private-both")
            assert (await client.expect("client-said")).data == "from a client"
    assert [node.metric(UNREADABLE) for node in (ours, theirs)] == [0, 0]


@pytest.mark.parametrize("steps", [1, -1])
async def test_state_of_neighbouring_releases_is_one(ours: RunningNode, theirs: RunningNode) -> None:
    async with await Client.connect(ours) as one, await Client.connect(theirs) as other, Api(theirs) as api:
        roster = await one.subscribe("presence-both", user={"user_id": "one"})
        assert roster["presence"]["ids"] == ["one"]
        roster = await other.subscribe("presence-both", user={"user_id": "other"})
        assert sorted(roster["presence"]["ids"]) == ["one", "other"]
        assert _user(await one.expect("pusher_internal:member_added")) == "other"
        assert await api.users("presence-both") == {"one", "other"}
        await one.unsubscribe("presence-both")
        assert _user(await other.expect("pusher_internal:member_removed")) == "one"
        # What one release has remembered the other reads.
        assert (await api.publish("cache-both", "kept")).status == 200
        await one.subscribe("cache-both")
        assert (await one.expect("numbered")).data == "kept"
    assert [node.metric(UNREADABLE) for node in (ours, theirs)] == [0, 0]


def _user(message: Message) -> str:
    return str(json.loads(message.data)["user_id"])


@pytest.mark.parametrize("steps", [1])
async def test_both_releases_are_listed(ours: RunningNode, theirs: RunningNode) -> None:
    def versions() -> set[str]:
        return {node["version"] for node in ours.nodes()}

    ours.wait_until(lambda: versions() == {__version__, "+1"}, "both are known")


@pytest.mark.parametrize("steps", [2, -2])
async def test_release_too_far_away_is_dropped_and_counted_and_does_no_other_harm(
    ours: RunningNode, theirs: RunningNode
) -> None:
    async with await Client.connect(ours) as client, Api(theirs) as api, Api(ours) as own:
        await client.subscribe("both")
        before = ours.metric(UNREADABLE)
        assert (await api.publish("both", "unreadable")).status == 200
        ours.wait_until(lambda: ours.metric(UNREADABLE) == before + 1, "it is counted")
        assert (await own.publish("both", "readable")).status == 200
        assert (await client.expect("numbered")).data == "readable"
    assert ours.metric("shoal_redis_reconnects_total") == 0
    assert "an envelope of version" in ours.log()
