"""A node of a cluster as a process, from its start to its exit, while Redis is there, is deaf, or is away."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.adapter.redis.proxy import Proxy
from tests.adapter.redis.servers import Server, free_port, running, valkey_binary
from tests.harness.client import Client
from tests.harness.node import ROOT, start_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.node import RunningNode

CLIENTS = 20
SLOWLY = {"SHOAL_DRAIN_RATE": "10"}


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the test may harm."""
    with running(valkey_binary(), tmp_path_factory.mktemp("redis")) as server:
        yield server


async def _in_a_thread(node: RunningNode, condition: Callable[[], object], what: str) -> None:
    """Wait for a condition while clients, which are in this thread, go on."""
    await asyncio.to_thread(node.wait_until, condition, what)


# Starting


async def test_a_node_is_ready_only_when_what_it_publishes_comes_back(redis: Server) -> None:
    async with Proxy(redis.port) as proxy:
        # Commands are answered, the subscription is confirmed; but nothing that is published gets through.
        proxy.is_deaf = True
        ports = free_port(), free_port()
        flags = ["--redis", proxy.url, "--port", str(ports[0]), "--metrics-port", str(ports[1])]
        process = _begin(flags)
        try:
            # It has begun twice and more.
            await _until(lambda: proxy.lost >= 3)
            status, why = await _ready(ports[1])
            assert (status, "doesn't deliver messages" in why) == (503, True)
            with pytest.raises(OSError, match=r"refused|Connect call failed"):
                await asyncio.open_connection("127.0.0.1", ports[0])
            proxy.is_deaf = False
            await _until_ready(ports[1])
            # Others know of it with the next beat, which is sent at once.
            await _until(lambda: "ready" in redis.command("HVALS", "shoal:{s0}:nodes"))
        finally:
            process.terminate()
            assert await asyncio.to_thread(process.wait, 30) == 0


def _begin(flags: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "server", "serve", *flags]
    environment = {"SHOAL_REDIS_ANSWER_TIMEOUT": "0.5"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)


async def _ready(port: int) -> tuple[int, str]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/readyz")
    return answer.status_code, answer.text


async def _until_ready(port: int) -> None:
    async with asyncio.timeout(30):
        while (await _ready(port))[0] != 200:  # noqa: ASYNC110 - it tells only those who ask
            await asyncio.sleep(0.02)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - it is about plain numbers
            await asyncio.sleep(0.02)


# Leaving while Redis is away


async def test_a_node_leaves_at_its_pace_while_redis_is_silent_and_gives_up_signing_off(redis: Server) -> None:
    node = start_node(SLOWLY | {"SHOAL_REDIS": redis.url, "SHOAL_REDIS_PATIENCE": "60"})
    clients = [await Client.connect(node) for _ in range(CLIENTS)]
    redis.pause()
    began = time.monotonic()
    node.signal(signal.SIGTERM)
    closes = [await client.expect_close() for client in clients]
    took = time.monotonic() - began
    redis.go_on()
    assert {close.code for close in closes} == {4200}
    # One at once, the rest 10 a second; nobody waits for what Redis would say of the other nodes.
    assert 1.7 <= took <= 30.0
    await asyncio.to_thread(node.stop)


async def test_told_twice_a_node_is_gone_in_a_second_whatever_redis_does(redis: Server) -> None:
    settings = SLOWLY | {"SHOAL_REDIS": redis.url, "SHOAL_SETTLE": "60", "SHOAL_SIGN_OFF_TIMEOUT": "60"}
    node = start_node(settings)
    clients = [await Client.connect(node) for _ in range(CLIENTS)]
    redis.pause()
    node.signal(signal.SIGTERM)
    await _in_a_thread(node, lambda: node.metric("shoal_node_state", state="settling"), "settles")
    began = time.monotonic()
    node.signal(signal.SIGTERM)
    closes = [await client.expect_close() for client in clients]
    await _until(lambda: not node.is_running)
    took = time.monotonic() - began
    redis.go_on()
    assert {close.code for close in closes} == {4200}
    assert node.exit_status == 0
    # A second, and the end of the process; signing off alone would take a minute, and so would settling.
    assert took < 30.0
    assert node.records()[-1]["message"] == "left"
    node.stop()


async def test_a_node_that_has_left_is_known_no_more_but_its_holds_are(redis: Server) -> None:
    node = start_node({"SHOAL_REDIS": redis.url})
    async with await Client.connect(node) as client:
        await client.subscribe("presence-room", user={"user_id": "ana"})
        node.signal(signal.SIGTERM)
        assert (await client.expect_close()).code == 4200
    await asyncio.to_thread(node.stop)
    with start_node({"SHOAL_REDIS": redis.url}) as other:
        beats = await asyncio.to_thread(redis.command, "ZCARD", "shoal:{s0}:beats")
        assert beats == ":1\r\n"
        async with await Client.connect(other) as watcher:
            roster = await watcher.subscribe("presence-room", user={"user_id": "ben"})
            assert sorted(roster["presence"]["ids"]) == ["ana", "ben"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the connections of a process")
async def test_while_a_last_request_is_answered_the_node_still_listens_and_tells_who_comes_4100(redis: Server) -> None:
    node = start_node({"SHOAL_REDIS": redis.url, "SHOAL_REDIS_PATIENCE": "20", "SHOAL_FLUSH_TIMEOUT": "20"})
    redis.pause()
    command = [sys.executable, "-m", "server", "publish", "a-channel", "an-event", "{}", "--url", node.url]
    publishing = asyncio.create_task(asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True))
    # Of the node's own connections there is none yet: this is the request.
    await _in_a_thread(node, lambda: _connections_of(node.pid, node.port), "is asked")
    node.signal(signal.SIGTERM)
    await _in_a_thread(node, lambda: node.metric("shoal_node_state", state="flushing"), "flushes")
    late = await Client.open(node)
    await late.expect_error(4100)
    assert (await late.expect_close()).code == 4100
    redis.go_on()
    assert (await publishing).returncode == 0
    await asyncio.to_thread(node.stop)


def _connections_of(pid: int, port: int) -> int:
    """Return how many connections somebody has to a port of a process."""
    table = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    return sum(1 for line in table if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "01")


async def test_who_waits_to_be_let_in_when_the_drain_begins_is_told_to_come_back_elsewhere(redis: Server) -> None:
    # How many connections the application has in the cluster only Redis knows.
    apps = [{"id": "1", "key": "k", "secret": "s", "max_connections": 100}]
    node = start_node({"SHOAL_REDIS": redis.url, "SHOAL_REDIS_PATIENCE": "20"}, apps=apps)
    redis.pause()
    waiting = await Client.open(node)
    node.signal(signal.SIGTERM)
    await waiting.expect_error(4100)
    assert (await waiting.expect_close()).code == 4100
    redis.go_on()
    await asyncio.to_thread(node.stop)
    assert node.records()[-1]["late_handshakes"] == 1


# What else may come in the middle of it


async def test_other_signals_and_orders_in_the_middle_of_a_drain_change_nothing() -> None:
    node = start_node(SLOWLY | {"SHOAL_DRAIN_TOKEN": "a-token-of-16-characters"})
    clients = [await Client.connect(node) for _ in range(CLIENTS)]
    began = time.monotonic()
    headers = {"Authorization": "Bearer a-token-of-16-characters"}
    async with httpx.AsyncClient(base_url=node.metrics_url, headers=headers) as operator:
        assert (await operator.post("/drain")).status_code == 202
        node.signal(signal.SIGHUP)
        assert (await operator.post("/drain")).json()["state"] == "draining"
        node.signal(signal.SIGTERM)
        node.signal(signal.SIGHUP)
        assert (await operator.post("/drain", params={"within": "60"})).status_code == 202
    closes = [await client.expect_close() for client in clients]
    assert {close.code for close in closes} == {4200}
    assert time.monotonic() - began >= 1.7
    await asyncio.to_thread(node.stop)
    assert node.records()[-1]["closed"] == CLIENTS
