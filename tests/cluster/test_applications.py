"""An application that is disabled on the command line loses its connections on all nodes, soon."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.adapter.redis.servers import running, valkey_binary
from tests.cluster.nodes import together
from tests.cluster.waiting import eventually
from tests.harness import start_node
from tests.harness.node import ROOT, Credentials

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cluster.observer import Crowd

pytestmark = pytest.mark.cluster

NODES = 3
CLIENTS = 900
DISABLED, UNKNOWN = 4003, 4001


def shoal_apps(settings: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, "-m", "server", "apps", *arguments]
    subprocess.run(command, cwd=ROOT, env=os.environ | settings, check=True, capture_output=True, timeout=30)


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
            took = await eventually(lambda: not any(one.is_open for one in leaving), "all are closed", 15.0)
            assert {one.code for one in leaving} == {code}
            assert bystander.is_open
            measured(
                f"the last of {CLIENTS} connections on {NODES} nodes ended {took:.2f} s after `shoal apps {command}`"
            )
        finally:
            together(lambda node: node.stop(check=False), nodes)
