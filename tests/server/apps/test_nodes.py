"""A node whose applications are in a store: what clients and back ends notice when that changes, or is away."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from server.cli.publish import encode_event, signed_url
from server.cli.target import Target
from tests.harness import start_node
from tests.harness.client import Client
from tests.harness.node import ROOT, Credentials
from tests.server.apps.tables import documented, execute, insert
from tests.server.unready import UnreadyNode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.adapter.redis.servers import Server
    from tests.harness import RunningNode
    from tests.server.apps.databases import Database

QUICK = {"SHOAL_APP_REFRESH": "0.2", "SHOAL_APP_STORE_TIMEOUT": "1", "SHOAL_APP_UNKNOWN_LIFETIME": "0.2"}
ROW = {"id": "1", "key": "key-1", "secret": "secret-1", "enable_client_messages": 1}


def shoal_apps(url: str, *arguments: str, fails: bool = False) -> str:
    """Run `shoal apps` as an operator would; return what it prints."""
    command = [sys.executable, "-m", "server", "apps", *arguments]
    # Time for a machine that has little of it.
    env = {"SHOAL_APP_STORE": url, "SHOAL_APP_STORE_TIMEOUT": "20", "SHOAL_REQUEST_TIMEOUT": "60"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=30)
    assert (done.returncode != 0) == fails, f"{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


async def publish(node: RunningNode, app_id: str, key: str, secret: str) -> httpx.Response:
    target = Target(f"{node.host}:{node.port}", False, app_id, key, secret.encode())
    body = encode_event("news", "e", "1", None)
    url = signed_url(target, f"/apps/{app_id}/events", body, timestamp=_now())
    async with httpx.AsyncClient() as client:
        return await client.post(url, content=body, headers={"Content-Type": "application/json"})


def _now() -> int:
    import time

    return int(time.time())


async def connect(node: RunningNode, key: str) -> Client:
    client = await Client.open(node, key=key)
    client.app = Credentials(key.removeprefix("key-"), key, key.replace("key", "secret"))
    return client


async def is_turned_away(node: RunningNode, key: str) -> int:
    client = await connect(node, key)
    return (await client.expect_close()).code or 0


@pytest.fixture(params=["postgresql", "mysql"])
async def database(request: pytest.FixtureRequest) -> Database:
    """A database with one application."""
    names = {"postgresql": "postgresql_server", "mysql": "mariadb_server"}
    server: Database = request.getfixturevalue(names[request.param])
    await execute(server.url, "DROP TABLE IF EXISTS apps", documented(request.param))
    await insert(server.url, ROW)
    return server


@asynccontextmanager
async def node_with(url: str, **settings: str) -> AsyncIterator[RunningNode]:
    node = await asyncio.to_thread(start_node, QUICK | {"SHOAL_APP_STORE": url} | settings)
    with node:
        yield node


async def test_store_that_is_away_and_back(database: Database) -> None:
    await insert(database.url, {"id": "2", "key": "key-2", "secret": "secret-2"})
    async with node_with(database.url) as node:
        known = await connect(node, "key-1")
        await known.established()
        assert (await publish(node, "1", "key-1", "secret-1")).status_code == 200
        database.kill()
        other = await connect(node, "key-1")
        await other.established()
        assert (await publish(node, "1", "key-1", "secret-1")).status_code == 200
        assert await is_turned_away(node, "key-2") == 4100, "not 4001: nobody can tell whether it is known"
        refused = await publish(node, "2", "key-2", "secret-2")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        node.wait_until(lambda: node.metric("shoal_app_store_failures_total") > 0, "counts it")
        node.wait_until(lambda: "store of applications unavailable" in node.log(), "says so")
        database.start()
        node.wait_until(lambda: "store of applications available again" in node.log(), "notices")
        second = await connect(node, "key-2")
        await second.established()
        assert await is_turned_away(node, "nobodys") == 4001
        assert await known.settled() == []
        for client in (known, other, second):
            await client.close()


async def test_changes_of_a_table_reach_open_connections(database: Database) -> None:
    await insert(database.url, {"id": "2", "key": "key-2", "secret": "secret-2"})
    async with node_with(database.url) as node:
        first, second = await connect(node, "key-1"), await connect(node, "key-2")
        await first.established()
        await second.established()
        await first.subscribe("private-x")
        await first.send("client-x", {}, "private-x")
        assert await first.settled() == []
        await execute(database.url, "UPDATE apps SET enable_client_messages = 0 WHERE id = '1'")
        await execute(database.url, "DELETE FROM apps WHERE id = '2'")
        assert (await second.expect_close()).code == 4001
        await first.send("client-x", {}, "private-x")
        assert "enable this feature" in await first.expect_error(None)
        await asyncio.to_thread(shoal_apps, database.url, "disable", "1")
        assert (await first.expect_close()).code == 4003
        assert await is_turned_away(node, "key-1") == 4003
        assert (await publish(node, "1", "key-1", "secret-1")).status_code == 403


async def test_secret_is_rotated_without_a_failed_request(database: Database) -> None:
    async with node_with(database.url) as node:
        secret, answers, is_over = "secret-1", [], asyncio.Event()

        async def publish_all_the_time() -> None:
            while not is_over.is_set():
                answers.append((await publish(node, "1", "key-1", secret)).status_code)
                await asyncio.sleep(0.01)

        publishing = asyncio.create_task(publish_all_the_time())
        output = await asyncio.to_thread(shoal_apps, database.url, "rotate-secret", "1", "--json")
        new = json.loads(output)["secret"]
        await until_answered(200, node, new)
        secret = new
        await asyncio.to_thread(shoal_apps, database.url, "rotate-secret", "1", "--finish")
        await until_answered(401, node, "secret-1")
        is_over.set()
        await publishing
        assert set(answers) == {200}
        assert (await publish(node, "1", "key-1", "secret-1")).status_code == 401
        assert secret not in node.log()


async def until_answered(status: int, node: RunningNode, secret: str) -> None:
    """Wait until the node has read what it takes to answer so."""
    async with asyncio.timeout(60):
        while (await publish(node, "1", "key-1", secret)).status_code != status:  # noqa: ASYNC110 - it tells only those who ask
            await asyncio.sleep(0.1)


async def test_application_added_to_redis_is_served_until_it_is_removed(redis_server: Server) -> None:
    redis_server.command("FLUSHALL")
    shoal_apps(redis_server.url, "add", "9", "--key", "key-9")
    async with node_with(redis_server.url) as node:
        assert await is_turned_away(node, "key-1") == 4001
        added = await asyncio.to_thread(
            shoal_apps, redis_server.url, "add", "1", "--key", "key-1", "--set", "client_events=true", "--json"
        )
        secret = json.loads(added)["secret"]
        client = await connect_soon(node, "key-1")
        assert (await publish(node, "1", "key-1", secret)).status_code == 200
        await asyncio.to_thread(shoal_apps, redis_server.url, "remove", "1")
        assert (await client.expect_close()).code == 4001
        assert secret not in node.log()


async def connect_soon(node: RunningNode, key: str) -> Client:
    """Connect as soon as the node knows of the application."""
    while True:
        client = await connect(node, key)
        message = await client.receive()
        if message.event == "pusher:connection_established":
            return client


def test_node_is_not_ready_before_its_store_has_answered(redis_server: Server) -> None:
    redis_server.command("FLUSHALL")
    shoal_apps(redis_server.url, "list", fails=True)
    with UnreadyNode(QUICK | {"SHOAL_APP_STORE": redis_server.url}) as node:
        node.wait_until_said("none is known here yet, so it is waited for")
        assert httpx.get(f"{node.metrics_url}/readyz").status_code == 503
        shoal_apps(redis_server.url, "add", "1", "--key", "key-1")
        node.wait_until_ready()


async def test_redis_that_has_lost_its_memory_disconnects_nobody(redis_server: Server) -> None:
    redis_server.command("FLUSHALL")
    shoal_apps(redis_server.url, "add", "1", "--key", "key-1")
    async with node_with(redis_server.url) as node:
        client = await connect(node, "key-1")
        await client.established()
        redis_server.command("FLUSHALL")
        node.wait_until(lambda: "it has lost them" in node.log(), "says so")
        assert await client.settled() == []
        assert await is_turned_away(node, "key-2") == 4100
        await client.close()


async def test_store_that_hangs_delays_only_those_who_need_it_and_them_not_for_long(redis_server: Server) -> None:
    redis_server.command("FLUSHALL")
    for app_id in ("1", "2"):
        shoal_apps(redis_server.url, "add", app_id, "--key", f"key-{app_id}")
    async with node_with(redis_server.url, SHOAL_APP_STORE_TIMEOUT="2") as node:
        known = await connect(node, "key-1")
        await known.established()
        redis_server.pause()
        try:
            waiting = [asyncio.create_task(is_turned_away(node, "key-2")) for _ in range(50)]
            other = await connect(node, "key-1")
            await other.established()
            assert not any(task.done() for task in waiting), "nobody can tell yet"
            async with asyncio.timeout(20):
                assert set(await asyncio.gather(*waiting)) == {4100}
        finally:
            redis_server.go_on()
        second = await connect_soon(node, "key-2")
        for client in (known, other, second):
            await client.close()


async def test_sighup_reads_all_again_at_once(database: Database) -> None:
    node = await asyncio.to_thread(start_node, {"SHOAL_APP_STORE": database.url, "SHOAL_APP_REFRESH": "300"})
    with node:
        client = await connect(node, "key-1")
        await client.established()
        await execute(database.url, "UPDATE apps SET enabled = 0")
        node.signal(signal.SIGHUP)
        assert (await client.expect_close()).code == 4003


async def test_thousand_clients_that_come_at_once_ask_once(database: Database) -> None:
    async with node_with(database.url) as node:
        clients: list[Any] = []
        for _ in range(10):
            clients += await asyncio.gather(*[connect(node, "key-1") for _ in range(100)])
        for client in clients:
            await client.established()
        assert node.metric("shoal_app_store_lookups_total", result="found") == 1
        for client in clients:
            await client.close()
