"""A node's view of the scripts: calls them one at a time, as a shard would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapter.redis.keys import ShardKeys, who_is
from adapter.redis.scripts import Scripts
from adapter.redis.shard.envelope import Kind, read
from adapter.redis.shard.writes import OWN_CLAIMS, Writes

if TYPE_CHECKING:
    from adapter.redis.link.link import Link
    from adapter.redis.shard.numbering import Write

TOPIC = "app/presence-a"
SHARD = 3


class Caller:
    """A boot that calls scripts."""

    def __init__(self, link: Link, prefix: str, boot: str, *, sharded: bool = False) -> None:
        self.link = link
        self.scripts = Scripts(sharded=sharded)
        self.keys = ShardKeys(prefix, SHARD)
        self.writes = Writes(self.keys)
        self.boot = boot
        self.epoch = ""
        self.number = 0
        # Of the outbox, handed out to this boot.
        self.entries: list[bytes] = []

    async def run(self, name: str, keys: list[str], *arguments: bytes | str | int) -> Any:
        return await self.link.ask(b"EVALSHA", self.scripts.digests[name], len(keys), *keys, *arguments)

    async def register(self, *peers: str, is_new: bool = True, known: str = "", acknowledged: int = 0) -> list[Any]:
        keys = [self.keys.meta, self.keys.writes(self.boot), self.keys.awaited]
        answer: list[Any] = await self.run("register", keys, self.boot, known, acknowledged, int(is_new), *peers)
        self.epoch = answer[0].decode()
        return answer

    async def write(self, write: Write, number: int | None = None) -> list[Any]:
        """Run a write under the next number, or another one."""
        if number is None:
            self.number += 1
            number = self.number
        own = self.keys.claims(self.boot)
        extra = [own if key == OWN_CLAIMS else key for key in write.keys]
        keys = [self.keys.meta, self.keys.journal, self.keys.writes(self.boot), *extra]
        answer: list[Any] = await self.run(
            write.script, keys, self.epoch, number, write.topic, write.channel, *write.arguments
        )
        return answer

    async def enter(self, user: str | None, *, limit: int | None = None, told: str = "news") -> list[Any]:
        return await self.write(self.writes.enter(TOPIC, who_is(user), b"info", limit=limit, told=told))

    async def leave(self, user: str | None, hold: int = 0) -> list[Any]:
        return await self.write(self.writes.leave(TOPIC, who_is(user), hold))

    async def journal(self) -> list[tuple[int, int, Any, Any]]:
        entries = await self.link.ask("XRANGE", self.keys.journal, "-", "+")
        return [read(fields[3]) for _, fields in entries]

    async def told(self) -> list[tuple[Kind, Any]]:
        return [(Kind(kind), first) for _, kind, first, _ in await self.journal()]

    async def number_of(self, field: str) -> int:
        return int(await self.link.ask("HGET", self.keys.state(TOPIC), field) or 0)
