"""What all nodes know together: rosters, channels, limits, who is to be left out. And what each need not hear of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.cluster.api import Api
from tests.cluster.nodes import Cluster
from tests.cluster.presence import CHANNEL, join, rosters
from tests.cluster.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.nodes import Member
    from tests.cluster.observer import Crowd

pytestmark = pytest.mark.cluster

COUNTED = "pusher_internal:subscription_count"
MOST = 7
EVENTS, SIZE = 200, 5_000


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(3, app={"subscription_count": True, "max_connections": MOST}) as running:
        yield running


async def test_event_reaches_subscribers_on_all_nodes_but_its_sender(cluster: Cluster, crowd: Crowd) -> None:
    observers = [await crowd.connect(node) for node in cluster.nodes]
    for observer in observers:
        await observer.subscribe("private-talk")
    observers[0].trigger("private-talk", "from a client")
    await observers[1].until(lambda: observers[1].attended["private-talk"].data, "hears it")
    async with Api(cluster.nodes[2]) as api:
        # The back end's request comes through another node than the one that holds the socket.
        await api.publish("private-talk", "from a back end", socket_id=observers[0].socket_id)
        await api.publish("private-talk", "end")
    talks = [observer.attended["private-talk"] for observer in observers]
    await eventually(lambda: all("end" in talk.data for talk in talks), "all hear the end")
    heard = [[told.data for told in talk.events if told.event != COUNTED] for talk in talks]
    assert heard == [["end"], *[["from a client", "from a back end", "end"]] * 2]


async def test_each_node_tells_the_same_channels_and_members(cluster: Cluster, crowd: Crowd) -> None:
    for number, node in enumerate(cluster.nodes):
        await join(crowd, node, [f"user-{number}", "everywhere"])
    users = {"everywhere", *(f"user-{number}" for number in range(3))}
    assert await rosters(cluster.nodes) == [users] * 3
    wanted = {CHANNEL: {"user_count": 4, "subscription_count": 6}}
    query = {"filter_by_prefix": "presence-", "info": "user_count,subscription_count"}

    async def all_tell_that() -> bool:
        found = []
        for node in cluster.nodes:
            async with Api(node) as api:
                found.append((await api.ask("GET", "/channels", query=query)).value["channels"])
        return found == [wanted] * 3

    # Nodes state their subscriptions a few times a second.
    await eventually(all_tell_that, "all subscriptions are counted")


async def test_counts_of_subscriptions_are_the_clusters(cluster: Cluster, crowd: Crowd) -> None:
    observers = [await crowd.connect(node) for node in cluster.nodes]
    told = [(await observer.subscribe("counted")).events for observer in observers]

    def last_counts() -> list[list[str]]:
        return [[event.data for event in events if event.event == COUNTED][-1:] for events in told]

    wanted = ['{"subscription_count":3}']
    await eventually(lambda: last_counts() == [wanted] * 3, "all are told how many they are")


async def test_limit_of_connections_holds_for_all_nodes_together(cluster: Cluster, crowd: Crowd) -> None:
    for number in range(MOST):
        await crowd.connect(cluster.nodes[number % 3])
    for node in cluster.nodes:
        with pytest.raises(ConnectionRefusedError, match="4004"):
            await crowd.connect(node)
    await crowd.leave([crowd.observers[0]])
    await eventually(lambda: _connects(crowd, cluster.members[2]), "a place is free again")


async def _connects(crowd: Crowd, member: Member) -> bool:
    await crowd.connect(member.node)
    return True


async def test_node_without_subscribers_receives_nothing(
    cluster: Cluster, crowd: Crowd, measured: Callable[[str], None]
) -> None:
    interested, uninterested, publishing = cluster.members
    observer = await crowd.connect(interested.node)
    await observer.subscribe("private-here")
    before = {member.name: _sent_to(cluster, member) for member in cluster.members}
    async with Api(publishing.node) as api:
        for number in range(EVENTS):
            assert (await api.publish("private-here", f"{number}".ljust(SIZE, "x"))).status == 200
    talk = observer.attended["private-here"]
    await observer.until(lambda: len([one for one in talk.data if len(one) == SIZE]) == EVENTS, "hears them all")
    received = {member.name: _sent_to(cluster, member) - before[member.name] for member in cluster.members}
    measured(f"{EVENTS * SIZE} bytes published; Redis sent {received}")
    assert received[interested.name] > EVENTS * SIZE
    # Probes and answers only. An event has more bytes than that.
    assert received[uninterested.name] < EVENTS * SIZE / 20
    assert received[publishing.name] < EVENTS * SIZE / 20


def _sent_to(cluster: Cluster, member: Member) -> int:
    """Return the bytes that Redis sent to a node, by Redis' own account."""
    addresses = member.link.addresses()
    clients = re.findall(r" addr=(\S+) .* tot-net-out=(\d+)", cluster.redis.command("CLIENT", "LIST"))
    assert addresses <= {address for address, _ in clients}
    return sum(int(sent) for address, sent in clients if address in addresses)


async def test_topic_without_subscribers_is_left(cluster: Cluster, crowd: Crowd) -> None:
    observer = await crowd.connect(cluster.nodes[0])
    await observer.subscribe("private-left")
    assert _topics(cluster, "private-left") == 1
    await observer.close()
    await eventually(lambda: _topics(cluster, "private-left") == 0, "the node unsubscribes")


def _topics(cluster: Cluster, name: str) -> int:
    return cluster.redis.command("PUBSUB", "CHANNELS").count(name)


def test_nobody_subscribes_to_patterns(cluster: Cluster) -> None:
    assert cluster.redis.command("PUBSUB", "NUMPAT") == ":0\r\n"
