"""A Redis that becomes unfit while nodes use it: a metric, a line of the log in words, nothing once it is mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from redis import Redis

from tests.adapter.redis.permitted import rules
from tests.adapter.redis.servers import Server, binary_of, running, valkey_binary
from tests.cluster.api import Api
from tests.harness.client import Client
from tests.harness.node import start_node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.node import RunningNode


@pytest.fixture(params=["valkey", "redis"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with running(binary_of(request.param), tmp_path) as server:
        server.command("ACL", "SETUSER", "shoal", "on", ">pw", *rules())
        yield server


@pytest.fixture
def admin(server: Server) -> Iterator[Redis]:
    """A connection that stays logged in, whatever becomes of passwords."""
    client = Redis(port=server.port, single_connection_client=True)
    client.ping()
    yield client
    client.close()


@pytest.fixture
def node(server: Server) -> Iterator[RunningNode]:
    with start_node({"SHOAL_REDIS": f"redis://shoal:pw@127.0.0.1:{server.port}"}) as node:
        yield node


def tell(admin: Redis, *words: str | int) -> None:
    admin.execute_command(*words)  # type: ignore[no-untyped-call]


def is_ready(node: RunningNode) -> bool:
    return httpx.get(f"{node.metrics_url}/readyz").status_code == 200


def until_told(node: RunningNode, problem: str, line: str) -> None:
    """Wait until the metric has the problem, and the log the line, once."""
    node.wait_until(lambda: node.metric("shoal_redis_problem", problem=problem) == 1, problem, timeout=15)
    node.wait_until(lambda: line in node.log(), line)
    told = [record for record in node.records() if line in record["message"]]
    assert [record["level"] for record in told] == ["warning"]


async def until_mended(node: RunningNode, *, by: float = 15) -> None:
    """Wait until nothing is wrong any more, and events arrive."""
    node.wait_until(lambda: node.metric("shoal_redis_problem") == 0, "no problem is left", timeout=by)
    assert node.metric("shoal_redis_up") == 1
    client = await Client.connect(node)
    await client.subscribe("after")
    async with Api(node) as api:
        node.wait_until(lambda: node.metric("shoal_redis_shards", state="live") == 64, "all shards are live")
        assert (await api.publish("after", "mended")).status == 200
    await client.expect("numbered")
    await client.close()


async def test_password_that_was_changed(node: RunningNode, admin: Redis) -> None:
    admin.acl_setuser("shoal", enabled=True, reset_passwords=True, passwords=["+other"])
    tell(admin, "CLIENT", "KILL", "USER", "shoal")
    until_told(node, "credentials", "doesn't take this user and password")
    assert is_ready(node), "a node that was ready stays ready"
    admin.acl_setuser("shoal", enabled=True, passwords=["+pw"])
    await until_mended(node)


async def test_user_that_was_deleted(node: RunningNode, admin: Redis) -> None:
    admin.acl_deluser("shoal")
    until_told(node, "credentials", "doesn't take this user and password")
    tell(admin, "ACL", "SETUSER", "shoal", "on", ">pw", *rules())
    await until_mended(node)


async def test_password_that_is_wanted_all_at_once(server: Server, admin: Redis) -> None:
    with start_node({"SHOAL_REDIS": server.url}) as node:
        admin.config_set("requirepass", "secret")
        for kind in ("normal", "pubsub"):
            tell(admin, "CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        until_told(node, "credentials", "wants a password")
        admin.config_set("requirepass", "")
        await until_mended(node)


async def test_command_that_is_permitted_no_more(node: RunningNode, admin: Redis) -> None:
    tell(admin, "ACL", "SETUSER", "shoal", "-xadd")
    async with Api(node) as api:
        assert (await api.publish("a-channel", "refused")).status == 503
    until_told(node, "permissions", "doesn't permit this user all that nodes do")
    tell(admin, "ACL", "SETUSER", "shoal", "+xadd")
    await until_mended(node)
    assert "mended: Redis" in node.log()


async def test_channels_that_are_permitted_no_more(node: RunningNode, admin: Redis) -> None:
    tell(admin, "ACL", "SETUSER", "shoal", "resetchannels")
    until_told(node, "permissions", "doesn't permit this user all that nodes do")
    tell(admin, "ACL", "SETUSER", "shoal", "&shoal:*")
    await until_mended(node)


async def test_policy_by_which_redis_begins_to_forget(node: RunningNode, admin: Redis) -> None:
    admin.config_set("maxmemory-policy", "volatile-ttl")
    until_told(
        node, "evicting", "maxmemory-policy volatile-ttl, by which it forgets what nodes rely on: set noeviction"
    )
    admin.config_set("maxmemory-policy", "noeviction")
    await until_mended(node)


async def test_memory_that_is_full(node: RunningNode, admin: Redis) -> None:
    admin.config_set("maxmemory", "1mb")
    async with Api(node) as api:
        assert (await api.publish("a-channel", "refused")).status == 503
    until_told(node, "full", "has reached its maxmemory")
    admin.config_set("maxmemory", "0")
    await until_mended(node)


async def test_primary_that_became_a_replica(node: RunningNode, admin: Redis, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    with running(valkey_binary(), folder) as other:
        tell(admin, "REPLICAOF", "127.0.0.1", other.port)
        until_told(node, "replica", f"is a read-only replica of 127.0.0.1:{other.port}")
        tell(admin, "REPLICAOF", "NO", "ONE")
        await until_mended(node)


async def test_too_few_replicas(node: RunningNode, admin: Redis) -> None:
    admin.config_set("min-replicas-to-write", "1")
    async with Api(node) as api:
        assert (await api.publish("a-channel", "refused")).status == 503
    until_told(node, "read_only", "fewer replicas than its min-replicas-to-write")
    admin.config_set("min-replicas-to-write", "0")
    await until_mended(node)
