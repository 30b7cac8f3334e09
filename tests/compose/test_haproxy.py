"""HAProxy reads its file, and no client sees a refusal or a 5xx while one node is there."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.compose.balancer import running_balancer
from tests.compose.files import HAPROXY, NODES
from tests.compose.programs import needed_program, output_of
from tests.harness.node import RunningNode, start_node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.compose.balancer import Balancer

TEXT = HAPROXY.read_text(encoding="utf-8")
# The balancer notices by 2 checks, a second apart.
NOTICED = "4"
LONG = "30"


def test_haproxy_reads_its_file() -> None:
    assert "Configuration file is valid" in output_of(needed_program("haproxy", "haproxy"), "-c", "-f", HAPROXY)


def test_every_backend_has_every_node() -> None:
    backends = TEXT.split("\nbackend ")[1:]
    assert len(backends) == 4
    assert all(f"server {node} {node}:6001" in backend for backend in backends for node in NODES)


def test_websockets_outlive_their_nodes_readiness() -> None:
    settings = [line.split("#")[0] for line in TEXT.splitlines()]
    assert not any("shutdown-sessions" in line for line in settings)


@pytest.fixture
def settle() -> tuple[str, ...]:
    """For how long each node goes on as before when it leaves."""
    return ("0", "0", "0")


@pytest.fixture
def nodes(settle: tuple[str, ...]) -> Iterator[list[RunningNode]]:
    """Three nodes. They share nothing, which is enough to see where a balancer sends whom."""
    with ExitStack() as stack:
        yield [stack.enter_context(start_node({"SHOAL_SETTLE": seconds})) for seconds in settle]


@pytest.fixture
def balancer(nodes: list[RunningNode], tmp_path: Path) -> Iterator[Balancer]:
    with running_balancer(nodes, tmp_path) as balancer:
        yield balancer


async def test_websockets_go_to_the_node_with_the_fewest_and_requests_go_round(
    nodes: list[RunningNode], balancer: Balancer
) -> None:
    async with asyncio.TaskGroup() as tasks:
        opening = [tasks.create_task(connect(balancer.websocket_url).__aenter__()) for _ in range(30)]
    async with httpx.AsyncClient() as client:
        for _ in range(9):
            await client.get(f"{balancer.url}/apps/app-id/channels")
    try:
        assert [node.metric("shoal_connections") for node in nodes] == [10, 10, 10]
        assert [node.metric("shoal_http_requests_total", status="401") for node in nodes] == [3, 3, 3]
    finally:
        await asyncio.gather(*(task.result().close() for task in opening))


async def test_nobody_is_refused_when_two_of_three_nodes_die_at_once(
    nodes: list[RunningNode], balancer: Balancer
) -> None:
    for node in nodes[:2]:
        node.signal(signal.SIGKILL)
    # At once: no check has noticed yet.
    answers = await _ask(balancer, requests=60, handshakes=60)
    for node in nodes[:2]:
        node.stop(check=False)
    assert answers == {"established": 60, "401": 60}


@pytest.mark.parametrize("settle", [(NOTICED, "0", "0")])
async def test_nobody_is_refused_while_a_node_leaves_and_its_clients_stay_until_told(
    nodes: list[RunningNode], balancer: Balancer
) -> None:
    async with asyncio.TaskGroup() as tasks:
        opening = [tasks.create_task(connect(balancer.websocket_url).__aenter__()) for _ in range(30)]
    clients = [task.result() for task in opening]
    nodes[0].signal(signal.SIGTERM)
    answers: dict[str, int] = {}
    while nodes[0].is_running:
        for what, count in (await _ask(balancer, requests=5, handshakes=5)).items():
            answers[what] = answers.get(what, 0) + count
    assert answers.keys() == {"established", "401"}
    closed = [client.close_code for client in clients if client.close_code is not None]
    assert closed == [4200] * 10
    await asyncio.gather(*(client.close() for client in clients))


@pytest.mark.parametrize("settle", [(LONG, LONG, LONG)])
async def test_when_all_nodes_leave_clients_are_taken_by_them_rather_than_refused(
    nodes: list[RunningNode], balancer: Balancer
) -> None:
    for node in nodes:
        node.signal(signal.SIGTERM)
    balancer.wait_for_up(0)
    answers = await _ask(balancer, requests=5, handshakes=5)
    assert answers == {"established": 5, "401": 5}


async def _ask(balancer: Balancer, *, requests: int, handshakes: int) -> dict[str, int]:
    """Do all at once; return how often each answer came."""
    async with httpx.AsyncClient(timeout=15, verify=False) as client, asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(_request(client, balancer)) for _ in range(requests)]
        asked += [tasks.create_task(_handshake(balancer)) for _ in range(handshakes)]
    answers = [task.result() for task in asked]
    return {answer: answers.count(answer) for answer in answers}


async def _request(client: httpx.AsyncClient, balancer: Balancer) -> str:
    # Without a signature: 401 is the answer of a node that is well.
    return str((await client.get(f"{balancer.url}/apps/app-id/channels")).status_code)


async def _handshake(balancer: Balancer) -> str:
    """Return "established", or what came instead."""
    try:
        async with connect(balancer.websocket_url, open_timeout=15) as client:
            event: str = json.loads(await client.recv())["event"]
            return "established" if event == "pusher:connection_established" else event
    except InvalidStatus as refused:
        return f"HTTP {refused.response.status_code}"
    except (ConnectionClosed, OSError) as error:
        return repr(error)
