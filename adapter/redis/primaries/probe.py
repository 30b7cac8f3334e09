"""Probes: what goes out on the connection for commands must come back on the one for messages.

A probe is a barrier. Positions are read before it is published, and a server hands on messages in the order in which
they were published: once it is back, all messages up to those positions are.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from adapter.redis.errors import LinkLost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapter.redis.link.link import Link
    from adapter.redis.scripts import Scripts
    from adapter.redis.shard.shard import Shard

DUE_AT_ONCE = 100
"""Holds that are collected in a shard each second, by each node."""


class Probe:
    """The probes of one connection.

    :param shard: the one in whose slot the probe's channel is.
    :param name: of this node's channel.
    """

    def __init__(self, shard: Shard, name: str, *, sharded: bool) -> None:
        self.shard = shard
        self.channel = shard.keys.probe_channel(name).encode()
        self._publish = "SPUBLISH" if sharded else "PUBLISH"
        self._returned: asyncio.Future[bool] | None = None
        self._nonce = 0

    async def send(self, link: Link, *, timeout: float) -> bool:  # noqa: ASYNC109 - a setting, handed on
        """Send one, and wait until it is back; tell whether it is, and was not given up.

        :raises LinkLost: if it doesn't come back.
        :raises Refusal: if it isn't taken.
        """
        self._nonce += 1
        returned: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._returned = returned
        await link.ask(self._publish, self.channel, self._nonce)
        try:
            async with asyncio.timeout(timeout):
                return await returned
        except TimeoutError:
            raise LinkLost(f"{link.place} doesn't deliver messages") from None

    def received(self, data: bytes) -> None:
        """Take in what came over the channel."""
        if data == b"%d" % self._nonce:
            self._end(is_back=True)

    def give_up(self) -> None:
        """Wait no more for what is under way: its channel isn't listened to any longer."""
        self._end(is_back=False)

    def _end(self, *, is_back: bool) -> None:
        if self._returned is not None and not self._returned.done():
            self._returned.set_result(is_back)


async def survey(link: Link, scripts: Scripts, shards: Sequence[Shard], *, one_by_one: bool) -> list[Any]:
    """Return what scripts/survey.lua tells of each shard; a refusal in its place, where one is refused.

    :param one_by_one: ask for each by itself: on Redis Cluster a script may only touch one slot.
    """
    digest = scripts.digests["survey"]
    groups = [[shard] for shard in shards] if one_by_one else [list(shards)]
    commands: list[tuple[bytes | str | int, ...]] = []
    for group in groups:
        keys = [key for shard in group for key in (shard.keys.meta, shard.keys.holds)]
        commands.append((b"EVALSHA", digest, len(keys), *keys, DUE_AT_ONCE))
    if not one_by_one:
        (answer,) = await link.ask_all(commands)
        return list(answer)
    return [answer[0] if isinstance(answer, list) else answer for answer in await link.ask_each(commands)]
