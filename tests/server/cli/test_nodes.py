"""``shoal nodes``, asking real nodes."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from typer.testing import CliRunner

from server import __version__
from server.cli import app
from tests.adapter.redis.servers import Server, free_port, running, valkey_binary
from tests.harness.client import Client
from tests.harness.node import start_node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

    from tests.harness.node import RunningNode


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    with running(valkey_binary(), tmp_path) as server:
        yield server


@pytest.fixture
def cluster(redis: Server) -> Iterator[list[RunningNode]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                start_node({"SHOAL_REDIS": redis.url, "SHOAL_NODE_NAME": name, "SHOAL_REDIS_PATIENCE": "0.5"})
            )
            for name in ("one", "two")
        ]


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["nodes", *arguments])


def listed(node: RunningNode) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(asked("--url", node.metrics_url, "--json").stdout)["nodes"]
    return found


async def test_each_node_lists_all_nodes_of_the_cluster(cluster: list[RunningNode]) -> None:
    client = await Client.connect(cluster[1])
    for node in cluster:
        node.wait_until(lambda: [one["connections"] for one in listed(node)] == [0, 1], "both are known")  # noqa: B023
        one, two = listed(node)
        assert [(each["name"], each["state"], each["version"]) for each in (one, two)] == [
            ("one", "ready", __version__),
            ("two", "ready", __version__),
        ]
        assert one["boot"] != two["boot"]
        assert 0 <= one["age"] < 5
    await client.close()


def test_people_get_a_table(cluster: list[RunningNode]) -> None:
    cluster[0].wait_until(lambda: len(listed(cluster[0])) == 2, "both are known")
    head, *rows, total = asked("--url", cluster[0].metrics_url).stdout.splitlines()
    assert head.split("  ")[0] == "NAME"
    assert [row.split()[:4] for row in rows] == [[name, "ready", __version__, "0"] for name in ("one", "two")]
    assert all("s ago" in row for row in rows)
    assert total == "2 nodes, 0 connections"


def test_while_redis_is_away_nobody_can_tell_and_that_is_said(cluster: list[RunningNode], redis: Server) -> None:
    redis.kill()
    result = asked("--url", cluster[0].metrics_url)
    assert (result.exit_code, "Redis can't be reached" in result.stderr) == (1, True)
    answer = httpx.get(f"{cluster[0].metrics_url}/nodes")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_node_that_is_alone_lists_itself() -> None:
    with start_node({"SHOAL_NODE_NAME": "hermit"}) as node:
        clients = [await Client.connect(node) for _ in range(2)]
        (hermit,) = listed(node)
        assert (hermit["name"], hermit["state"], hermit["connections"]) == ("hermit", "ready", 2)
        for client in clients:
            await client.close()


def test_nobody_there_is_said() -> None:
    result = asked("--url", f"http://127.0.0.1:{free_port()}")
    assert (result.exit_code, "can't reach" in result.stderr) == (1, True)


@pytest.mark.parametrize("command", [["nodes"], ["drain", "--token", "x"], ["webhooks", "failed", "--token", "x"]])
def test_what_names_no_server_is_a_mistake(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--url", "127.0.0.1:9601"])
    assert (result.exit_code, result.stderr) == (
        2,
        "shoal: --url 127.0.0.1:9601: write http://HOST:PORT or https://HOST:PORT\n",
    )


def test_another_port_of_a_node_is_noticed() -> None:
    with start_node() as node:
        result = asked("--url", f"{node.url}/")
    assert (result.exit_code, result.stderr) == (
        1,
        "shoal: refused with 404: 404 NOT FOUND (is that a node's metrics port?)\n",
    )


def test_the_node_that_is_configured_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with start_node({"SHOAL_NODE_NAME": "here"}) as node:
        monkeypatch.setenv("SHOAL_METRICS_HOST", "0.0.0.0")
        monkeypatch.setenv("SHOAL_METRICS_PORT", str(node.metrics_port))
        assert "here" in asked().stdout
