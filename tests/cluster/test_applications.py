"""What is changed on the command line reaches all nodes soon: an application's end, and its secrets."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.adapter.redis.servers import running, valkey_binary
from tests.cluster.api import Api
from tests.cluster.nodes import together
from tests.cluster.waiting import eventually
from tests.harness import start_node
from tests.harness.node import ROOT, Credentials

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cluster.observer import Crowd
    from tests.harness import RunningNode

pytestmark = pytest.mark.cluster

NODES = 3
CLIENTS = 900
DISABLED, UNKNOWN = 4003, 4001


def shoal_apps(settings: dict[str, str], *arguments: str) -> Any:
    """Run the command; return what it prints where that is JSON."""
    command = [sys.executable, "-m", "server", "apps", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | settings, check=True, capture_output=True, timeout=30)
    return json.loads(done.stdout) if "--json" in arguments else None


@pytest.mark.parametrize(("command", "code"), [("disable", DISABLED), ("remove", UNKNOWN)])
async def test_connections_end_on_all_nodes(
    crowd: Crowd, measured: Callable[[str], None], tmp_path: Path, command: str, code: int
) -> None:
    with running(valkey_binary(), tmp_path) as redis:
        settings = {"SHOAL_REDIS": redis.url, "SHOAL_APP_STORE": "redis"}
        for app_id in ("1", "2"):
            shoal_apps(settings, "add", app_id, "--key", f"key-{app_id}")
        nodes = together(lambda _: start_node(settings), range(NODES))
        try:
            for node in nodes:
                node.app = Credentials("1", "key-1", "")
            leaving = [await crowd.connect(nodes[number % NODES], f"{number}") for number in range(CLIENTS)]
            nodes[0].app = Credentials("2", "key-2", "")
            bystander = await crowd.connect(nodes[0], "of another application")
            await asyncio.to_thread(shoal_apps, settings, command, "1")
            took = await eventually(lambda: not any(one.is_open for one in leaving), "all are closed")
            assert {one.code for one in leaving} == {code}
            assert bystander.is_open
            measured(
                f"the last of {CLIENTS} connections on {NODES} nodes ended {took:.2f} s after `shoal apps {command}`"
            )
        finally:
            together(lambda node: node.stop(check=False), nodes)


async def test_secret_is_rotated_without_a_refused_request(measured: Callable[[str], None], tmp_path: Path) -> None:
    with running(valkey_binary(), tmp_path) as redis:
        settings = {"SHOAL_REDIS": redis.url, "SHOAL_APP_STORE": "redis"}
        old = shoal_apps(settings, "add", "1", "--key", "key-1", "--json")["secret"]
        nodes = together(lambda _: start_node(settings), range(NODES))
        try:
            back_end = BackEnd(nodes, old)
            publishing = asyncio.create_task(back_end.publish_all_the_time())
            rotated = await asyncio.to_thread(shoal_apps, settings, "rotate-secret", "1", "--json")
            await BackEnd(nodes, rotated["secret"]).until_all_answer(200)
            with_old, back_end.secret = len(back_end.answers), rotated["secret"]
            await asyncio.to_thread(shoal_apps, settings, "rotate-secret", "1", "--finish")
            await BackEnd(nodes, old).until_all_answer(401)
            back_end.is_over = True
            await publishing
            assert set(back_end.answers) == {200}
            with_new = len(back_end.answers) - with_old
            measured(
                f"{with_old} publishes with the old secret, {with_new} with the new one, on {NODES} nodes: all 200"
            )
        finally:
            together(lambda node: node.stop(check=False), nodes)


class BackEnd:
    """Publishes with one secret, on each node in turn."""

    def __init__(self, nodes: list[RunningNode], secret: str) -> None:
        self._nodes = nodes
        self.secret = secret
        self.answers: list[int] = []
        self.is_over = False

    async def publish_all_the_time(self) -> None:
        while not self.is_over:
            for node in self._nodes:
                self.answers.append(await self.publish(node))

    async def until_all_answer(self, status: int) -> None:
        """Wait until each node has read what it takes to answer so."""
        for node in self._nodes:
            await eventually(lambda node=node: self._is_answered(node, status), f"answers {status}")  # type: ignore[misc]

    async def _is_answered(self, node: RunningNode, status: int) -> bool:
        return await self.publish(node) == status

    async def publish(self, node: RunningNode) -> int:
        node.app = Credentials("1", "key-1", self.secret)
        async with Api(node) as api:
            return (await api.publish("news", "1")).status
