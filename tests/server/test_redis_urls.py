"""Each kind of URL: what is published on one node is received on another, through real servers."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from adapter.base import topic_of
from adapter.redis.shards import shard_of
from tests.adapter.redis.masters import Masters
from tests.adapter.redis.permitted import rules
from tests.adapter.redis.servers import Server, binary_of, free_port, running, valkey_binary
from tests.cluster.api import Api
from tests.cluster.sentinel import Watched
from tests.harness.client import Client
from tests.harness.node import start_node
from tests.server.unready import UnreadyNode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.node import RunningNode

APP = {"id": "app-id", "key": "app-key", "secret": "app-secret"}


@contextmanager
def two_nodes(url: str, *, patience: float = 20.0) -> Iterator[tuple[RunningNode, RunningNode]]:
    settings = {"SHOAL_REDIS": url, "SHOAL_REDIS_PATIENCE": f"{patience}"}
    with start_node(settings, apps=[APP]) as one, start_node(settings, apps=[APP]) as other:
        yield one, other


async def check(url: str, channels: int = 3) -> None:
    """Start two nodes; publish through each what a client of the other receives."""
    with two_nodes(url) as nodes:
        for here, there in (nodes, nodes[::-1]):
            async with await Client.connect(there) as client, Api(here) as api:
                for number in range(channels):
                    await client.subscribe(f"channel-{number}")
                    assert (await api.publish(f"channel-{number}", f"event-{number}")).status == 200
                    assert (await client.expect("numbered")).data == f"event-{number}"


@pytest.fixture(params=["valkey", "redis"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    options = ("--unixsocket", str(tmp_path / "socket"))
    with running(binary_of(request.param), tmp_path, *options) as server:
        yield server


async def test_address(server: Server) -> None:
    await check(server.url)


async def test_user_with_a_password_and_another_database(server: Server) -> None:
    server.command("ACL", "SETUSER", "shoal", "on", ">p@ss/word", "&shoal@5:*", *rules())
    server.command("CONFIG", "SET", "requirepass", "other")
    await check(f"redis://shoal:p%40ss%2Fword@127.0.0.1:{server.port}/5")


async def test_password_without_a_user(server: Server) -> None:
    server.command("CONFIG", "SET", "requirepass", "secret")
    await check(f"redis://:secret@127.0.0.1:{server.port}")


async def test_unix_socket(server: Server, tmp_path: Path) -> None:
    await check(f"unix://{tmp_path}/socket")


async def test_sentinel() -> None:
    with Watched() as watched:
        await check(watched.url)


async def test_redis_cluster() -> None:
    with Masters() as masters:
        await check(masters.url, channels=12)


# TLS


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def with_tls(folder: Path, authority: trustme.CA, *options: str) -> Iterator[int]:
    """Run a server with TLS, on the port that is returned. The wheel's Valkey has none, Debian's Redis has."""
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    authority.issue_cert("node").private_key_and_cert_chain_pem.write_to_path(folder / "node.pem")
    port = free_port()
    files = ("--tls-cert-file", "server.pem", "--tls-key-file", "server.pem", "--tls-ca-cert-file", "ca.pem")
    paths = [str(folder / word) if word.endswith(".pem") else word for word in files]
    with running(binary_of("redis"), folder, "--tls-port", str(port), *paths, *options):
        yield port


async def test_tls(authority: trustme.CA, tmp_path: Path) -> None:
    with with_tls(tmp_path, authority, "--tls-auth-clients", "no") as port:
        await check(f"rediss://localhost:{port}?ca={tmp_path}/ca.pem")


async def test_tls_with_a_certificate_of_the_node(authority: trustme.CA, tmp_path: Path) -> None:
    with with_tls(tmp_path, authority, "--tls-auth-clients", "yes") as port:
        await check(f"rediss://127.0.0.1:{port}?ca={tmp_path}/ca.pem&cert={tmp_path}/node.pem")


def test_certificate_that_nobody_vouches_for_is_not_taken(authority: trustme.CA, tmp_path: Path) -> None:
    stranger = trustme.CA()
    stranger.cert_pem.write_to_path(tmp_path / "stranger.pem")
    with with_tls(tmp_path, authority, "--tls-auth-clients", "no") as port:
        for url in (f"rediss://localhost:{port}?ca={tmp_path}/stranger.pem", f"rediss://localhost:{port}"):
            with UnreadyNode({"SHOAL_REDIS": url}) as node:
                node.wait_until_said("certificate verify failed")
                assert httpx.get(f"{node.metrics_url}/readyz").status_code == 503


# Several


async def test_several_servers_share_the_shards_and_fail_by_themselves(tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = []
        for name in "ab":
            (tmp_path / name).mkdir()
            servers.append(stack.enter_context(running(valkey_binary(), tmp_path / name)))
        here, there = stack.enter_context(two_nodes(",".join(server.url for server in servers), patience=2.0))
        by_server: tuple[list[str], list[str]] = ([], [])
        for number in range(12):
            by_server[shard_of(topic_of(APP["id"], f"channel-{number}")) % 2].append(f"channel-{number}")
        assert all(by_server)
        client = await Client.connect(there)
        for channel in (*by_server[0], *by_server[1]):
            await client.subscribe(channel)
        for number, server in enumerate(servers):
            await _go_down(server, here, there, client, away=by_server[number], well=by_server[1 - number])
        await client.close()


async def _go_down(
    server: Server, here: RunningNode, there: RunningNode, client: Client, *, away: list[str], well: list[str]
) -> None:
    """Let one of two servers be away for a while: only its channels are."""
    server.kill()
    for node in (here, there):
        node.wait_until(lambda: node.metric("shoal_redis_up") == 1, "one of two is up")  # noqa: B023
        assert node.metric("shoal_redis_up", redis=f"127.0.0.1:{server.port}") == 0
        assert node.metric("shoal_redis_shards", state="live") == 32
    assert await asyncio.gather(*(_publish(here, channel, "x") for channel in away)) == [503] * len(away)
    async with Api(here) as api:
        await _publish_all(api, client, well)
        server.start()
        for node in (here, there):
            node.wait_until(lambda: node.metric("shoal_redis_shards", state="live") == 64, "all are live")  # noqa: B023
        await _publish_all(api, client, [*away, *well])


async def _publish(node: RunningNode, channel: str, data: str) -> int:
    async with Api(node) as api:
        return (await api.publish(channel, data)).status


async def _publish_all(api: Api, client: Client, channels: list[str]) -> None:
    for channel in channels:
        assert (await api.publish(channel, "again")).status == 200
        # What was answered 503 may come nevertheless, once.
        while (message := await client.receive()).data == "x":
            pass
        assert (message.channel, message.data) == (channel, "again")
