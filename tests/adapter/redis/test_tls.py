"""TLS where others name the port that has it: Sentinel, and the masters of a Redis Cluster.

(For one server: tests/server/test_redis_urls.py.) The wheel's Valkey has no TLS, Debian's Redis has.
"""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import trustme

from adapter import topic_of
from adapter.redis import RedisOptions
from tests.adapter.redis.conftest import a_node
from tests.adapter.redis.servers import Server, binary_of, free_port, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HALF = 8_192
"""Of the slots of a Redis Cluster."""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Certificates and keys, as the server's settings name them."""
    authority = trustme.CA()
    own = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    own.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    own_file = str(tmp_path / "own.pem")
    return {"tls-ca-cert-file": str(tmp_path / "ca.pem"), "tls-cert-file": own_file, "tls-key-file": own_file}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def a_server(stack: ExitStack, folder: Path, settings: dict[str, str]) -> Server:
    folder.mkdir()
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    return stack.enter_context(running(binary_of("redis"), folder, *options))


def start_sentinel(stack: ExitStack, binary: str, config: Path) -> None:
    process = subprocess.Popen([binary, str(config), "--sentinel"], stdout=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.kill)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)


async def check(url: str, files: dict[str, str]) -> None:
    """Have a node receive what it publishes, in topics of all shards."""
    url += f"?ca={files['tls-ca-cert-file']}&cert={files['tls-cert-file']}"
    topics = [topic_of("app", f"channel-{number}") for number in range(30)]
    async with a_node(url, RedisOptions()) as node:
        for topic in topics:
            node.adapter.watch(topic)
            await node.adapter.enter(topic)
            await node.adapter.publish(topic, b"payload")
        for topic in topics:
            await node.recorder.wait_until(lambda topic=topic: node.recorder.payloads(topic) == [b"payload"])  # type: ignore[misc]


async def test_sentinel_and_the_primary_that_it_names_have_tls(
    files: dict[str, str], stack: ExitStack, tmp_path: Path
) -> None:
    port = str(free_port())
    a_server(stack, tmp_path / "primary", {**files, "tls-port": port})
    sentinel = Server(binary_of("redis"), tmp_path)
    config = tmp_path / "sentinel.conf"
    settings = {**files, "port": "0", "tls-port": str(sentinel.port), "tls-replication": "yes", "dir": str(tmp_path)}
    lines = [f"{name} {value}" for name, value in settings.items()]
    config.write_text("\n".join([*lines, f"sentinel monitor main 127.0.0.1 {port} 1\n"]))
    start_sentinel(stack, sentinel.binary, config)
    # The node waits for it.
    await check(f"rediss+sentinel://127.0.0.1:{sentinel.port}/main", files)


async def test_masters_of_a_redis_cluster_have_tls(files: dict[str, str], stack: ExitStack, tmp_path: Path) -> None:
    ports = [str(free_port()) for _ in range(2)]
    settings = {**files, "tls-cluster": "yes", "cluster-enabled": "yes"}
    masters = [a_server(stack, tmp_path / port, {**settings, "tls-port": port}) for port in ports]
    for number, master in enumerate(masters):
        master.command("CLUSTER", "ADDSLOTSRANGE", str(HALF * number), str(HALF * (number + 1) - 1))
        master.command("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
    masters[0].command("CLUSTER", "MEET", "127.0.0.1", ports[1])
    await until(lambda: all("cluster_state:ok" in master.command("CLUSTER", "INFO") for master in masters))
    await check(f"rediss+cluster://127.0.0.1:{ports[0]}", files)
