"""A node pays for the topics that it watches and for no others, by Redis' own account."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from adapter.base import topic_of
from adapter.redis.shards import shard_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.adapter.redis.conftest import Node
    from tests.adapter.redis.servers import Server

ROOM = topic_of("app", "room")
MESSAGES, SIZE = 200, 5_000


def sent_to_subscribers(server: Server) -> dict[str, int]:
    """Return the bytes that Redis has sent over each subscriber's connection, by the connection."""
    listed = server.command("CLIENT", "LIST", "TYPE", "pubsub")
    return {client: int(sent) for client, sent in re.findall(r"\bid=(\d+) .* tot-net-out=(\d+)", listed)}


async def test_a_node_without_interest_is_sent_none_of_a_topics_bytes(
    start: Callable[[str], Awaitable[Node]], own_server: Server, prefix: str
) -> None:
    interested = await start(own_server.url)
    (its_connection,) = sent_to_subscribers(own_server)
    uninterested = await start(own_server.url)
    interested.adapter.watch(ROOM)
    await interested.adapter.enter(ROOM)
    channel = f"{prefix}:{{s{shard_of(ROOM)}}}:{ROOM}"
    assert own_server.command("PUBSUB", "NUMSUB", channel).endswith(":1\r\n"), "one of two nodes listens"
    before = sent_to_subscribers(own_server)
    # The origin isn't interested either: nothing comes back to it.
    for _ in range(MESSAGES):
        await uninterested.adapter.publish(ROOM, b"x" * SIZE)
    await interested.recorder.wait_until(lambda: len(interested.recorder.of("message")) == MESSAGES)
    after = sent_to_subscribers(own_server)
    sent = {client: after[client] - before[client] for client in after}
    assert sent.pop(its_connection) > MESSAGES * SIZE
    (others,) = sent.values()
    # Its probes, a hundred bytes each second. A single message has more.
    assert others < SIZE
