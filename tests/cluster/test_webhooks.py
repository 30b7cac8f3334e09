"""What a back end was told, against what was so: through a deploy, a killed node, a Redis restart, its own absence."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.nodes import Cluster
from tests.cluster.transitions import Visitor
from tests.cluster.waiting import eventually
from tests.harness.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.nodes import Member

pytestmark = pytest.mark.cluster

VISITORS = 40
# A tenth of the usual times.
SETTINGS = {
    "SHOAL_WEBHOOK_DEBOUNCE": "0.5",
    "SHOAL_WEBHOOK_BATCH_TIME": "0.1",
    "SHOAL_WEBHOOK_TIMEOUT": "10",
    "SHOAL_WEBHOOK_FIRST_RETRY": "0.2",
    "SHOAL_WEBHOOK_LONGEST_RETRY": "3",
}
# So that it loses nothing when it is killed.
PERSISTENT = ("--appendonly", "yes", "--appendfsync", "always")


async def test_each_transition_is_told_and_none_invented(
    seconds: Callable[[float], float], measured: Callable[[str], None]
) -> None:
    with Receiver() as receiver:
        app = {"webhooks": [{"url": receiver.url()}]}
        with Cluster(3, settings=SETTINGS, app=app, server_options=PERSISTENT) as cluster:
            leaving: set[str] = set()
            visitors = [
                Visitor(number, lambda: [one.node for one in cluster.members if one.name not in leaving], receiver)
                for number in range(VISITORS)
            ]
            *guests, latecomer = visitors
            # One for each node, so that whichever goes has somebody who stays.
            residents = guests[: len(cluster.members)]
            is_over = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                for resident, member in zip(residents, cluster.members, strict=True):
                    tasks.create_task(resident.remain(member.node, is_over))
                for guest in guests[len(residents) :]:
                    tasks.create_task(guest.visit(is_over))
                await eventually(
                    lambda: all(resident.is_there for resident in residents), "each node has one who stays"
                )
                await asyncio.sleep(5)
                deployed = cluster.members[0]
                await _deploy(cluster, deployed, leaving)
                tasks.create_task(latecomer.remain(deployed.node, is_over))
                await eventually(lambda: latecomer.is_there, "so has the new one")
                await _kill_while_delivering(cluster, receiver, leaving)
                # Two minutes in the long form.
                receiver.behaviour["/hook"].status = 503
                await asyncio.sleep(min(120.0, seconds(12.0)))
                receiver.behaviour["/hook"].status = 200
                await _restart_redis(cluster)
                await asyncio.sleep(5)
                is_over.set()
            # Long enough for what isn't true to come as well: holds that lapse, dead nodes.
            await asyncio.sleep(12.0)
        assert sum(resident.moves for resident in (*residents, latecomer)) >= 2, (
            "off the node that left, and the killed"
        )
        measured(_judge(visitors, receiver))


async def _deploy(cluster: Cluster, member: Member, leaving: set[str]) -> None:
    leaving.add(member.name)
    member.node.signal(signal.SIGTERM)
    await eventually(lambda: not member.node.is_running, "it has left", within=60.0)
    await asyncio.to_thread(member.node.stop)
    await asyncio.to_thread(cluster.replace, member)
    leaving.discard(member.name)


async def _kill_while_delivering(cluster: Cluster, receiver: Receiver, leaving: set[str]) -> None:
    """Kill a node that has sent a request, before it is answered: it can't know that the receiver has taken it."""
    receiver.behaviour["/hook"].answers.clear()
    before = len(receiver.requests)
    await eventually(lambda: len(receiver.requests) > before, "somebody delivers", within=30.0)
    member = _sender(cluster, receiver.requests[-1].client)
    leaving.add(member.name)
    member.kill()
    await asyncio.sleep(3.0)
    receiver.behaviour["/hook"].answers.set()
    await asyncio.to_thread(cluster.replace, member)
    leaving.discard(member.name)


def _sender(cluster: Cluster, port: int) -> Member:
    """Return the node whose connection comes from this port."""
    local = f"0100007F:{port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{words[9]}]" for words in lines if words[1] == local}
    for member in cluster.members:
        files = Path(f"/proc/{member.node.pid}/fd").iterdir()
        if any(os.readlink(file) in sockets for file in files):
            return member
    raise AssertionError(f"no node has the port {port}")


async def _restart_redis(cluster: Cluster) -> None:
    cluster.redis.kill()
    await asyncio.sleep(2.0)
    await asyncio.to_thread(cluster.redis.start)


def _judge(visitors: list[Visitor], receiver: Receiver) -> str:
    told = lost = invented = 0
    for visitor in visitors:
        log = receiver.accepted_of(visitor.channel)
        by_id: dict[str, dict[str, Any]] = {}
        for event_id, event in log:
            assert by_id.setdefault(event_id, event) == event, "an id stands for one event"
        told += len(by_id)
        lost += (visitor.truth - visitor.told()).total()
        invented += (visitor.told() - visitor.truth).total()
        assert visitor.told() == visitor.truth, (visitor.channel, visitor.truth, log)
    assert (lost, invented) == (0, 0)
    repeats = len(receiver.accepted()) - told
    assert repeats >= 1, "what the killed node was delivering came again"
    slowest = max(visitor.slowest for visitor in visitors)
    return (
        f"{told} transitions told, none lost or invented; {repeats} repeats, by id; the slowest after {slowest:.1f} s"
    )
