"""A user with the permissions that the guide lists is enough, and one that lacks any of them is noticed at once."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import adapter.redis
from adapter.base import topic_of
from adapter.redis import Misconfigured, RedisAdapter, RedisOptions
from adapter.redis.errors import Kind
from tests.adapter.redis.permitted import commands, rules
from tests.adapter.redis.recorder import Recorder

if TYPE_CHECKING:
    from tests.adapter.redis.servers import Server

SCRIPTS = Path(adapter.redis.__file__).parent / "scripts"
# Those of Redis Cluster aren't needed elsewhere.
CLUSTER_ONLY = {"cluster|slots", "spublish", "ssubscribe", "sunsubscribe"}
# A database other than 0 is chosen only by who has one.
FOR_DATABASES = {"select"}
NEEDED = sorted(set(commands()) - CLUSTER_ONLY - FOR_DATABASES)


def permit(server: Server, *words: str) -> None:
    server.command("ACL", "DELUSER", "shoal")
    assert server.command("ACL", "SETUSER", "shoal", "on", ">pw", *words) == "+OK\r\n"


async def start(server: Server) -> None:
    """Run a node as the user for a moment, in which it does what nodes do."""
    node = RedisAdapter([f"redis://shoal:pw@127.0.0.1:{server.port}"], RedisOptions(prefix="shoal"))
    try:
        async with asyncio.timeout(20):
            await node.start(recorder := Recorder())
            topic = topic_of("app", "presence-room")
            node.watch(topic)
            await node.enter(topic, "user", b"info", limit=5)
            await node.publish(topic, b"payload", remember=60.0, once="mark")
            await node.terminate(topic)
            node.count(topic, 3, announce=True)
            assert await node.admit("app", 10)
            assert (await node.spend("app", "events", 1, 10)).is_granted
            # Not only by this node's own share, as if Redis were away.
            assert ":1" in server.command("EXISTS", "shoal:{s0}:q:app:events")
            assert len(await node.nodes()) == 1
            assert (await node.occupied_topics("app")).keys() == {"presence-room"}
            node.leave(topic, "user", hold=0.1)
            await recorder.wait_until(lambda: bool(recorder.of("message")))
    finally:
        await node.stop()


async def test_permissions_of_the_guide_are_enough(server: Server) -> None:
    permit(server, *rules())
    await start(server)


@pytest.mark.parametrize("command", NEEDED)
async def test_a_command_that_is_not_permitted_is_noticed_at_the_start(server: Server, command: str) -> None:
    permit(server, *(word for word in rules() if word != f"+{command}"))
    with pytest.raises(Misconfigured, match=r"doesn't permit this user all that nodes do") as caught:
        await start(server)
    assert caught.value.kind is Kind.PERMISSIONS


@pytest.mark.parametrize(
    ("rule", "instead"), [("~shoal:*", "~other:*"), ("~shoal:*", "%R~shoal:*"), ("&shoal:*", "&other:*")]
)
async def test_a_pattern_that_does_not_fit_is_noticed_at_the_start(server: Server, rule: str, instead: str) -> None:
    assert rule in rules()
    permit(server, *(instead if word == rule else word for word in rules()))
    with pytest.raises(Misconfigured, match=r"doesn't permit this user all that nodes do"):
        await start(server)


def test_every_command_of_a_script_is_listed() -> None:
    used = {
        name.lower()
        for path in SCRIPTS.glob("*.lua")
        for name in re.findall(r"redis\.p?call\('(\w+)'", path.read_text(encoding="utf-8"))
    }
    assert used <= {command.partition("|")[0] for command in commands()}
    tried = set(re.findall(r"\{'(\w+)'", (SCRIPTS / "permissions.lua").read_text(encoding="utf-8")))
    assert used <= {name.lower() for name in tried}
