"""HAProxy with the configuration of docker-compose.yml, on this machine, before nodes of the test."""

from __future__ import annotations

import re
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from tests.adapter.redis.servers import free_port
from tests.compose.files import HAPROXY, NODES
from tests.compose.programs import needed_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.harness.node import RunningNode

PATIENCE = 30.0


def local_config(nodes: Sequence[RunningNode], port: int, metrics_port: int) -> str:
    """Return the configuration with other addresses; all else is as it is in use.

    Without Docker there is no resolver to ask, the nodes' metrics ports differ, and open files are fewer.
    """
    text = HAPROXY.read_text(encoding="utf-8")
    for name, node in zip(NODES, nodes, strict=True):
        text = text.replace(f"{name}:6001", f"{node.host}:{node.port} port {node.metrics_port}")
    text = text.replace(" resolvers docker init-addr libc,none", "").replace(" port 9601", "")
    # A port that is checked can't be given where nothing is checked.
    text = re.sub(r" port \d+ no-check", " no-check", text)
    text = text.replace("maxconn 60000", "maxconn 2000")
    return text.replace("bind :6001", f"bind 127.0.0.1:{port}").replace("bind :8405", f"bind 127.0.0.1:{metrics_port}")


class Balancer:
    """A running HAProxy."""

    def __init__(self, port: int, metrics_port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.websocket_url = f"ws://127.0.0.1:{port}/app/app-key?protocol=7"
        self._metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"

    def up(self, backend: str = "websockets") -> int:
        """Return how many nodes it takes for ready; -1 while it doesn't say."""
        try:
            text = httpx.get(self._metrics_url).text
        except httpx.TransportError:
            return -1
        pattern = rf'^haproxy_server_status{{proxy="{backend}",server="[^"]+",state="UP"}} 1$'
        return len(re.findall(pattern, text, re.MULTILINE))

    def wait_for_up(self, count: int, log: Callable[[], str] = str) -> None:
        """Wait until it takes this many nodes for ready."""
        deadline = time.monotonic() + PATIENCE
        while self.up() != count or self.up("api") != count:
            assert time.monotonic() < deadline, f"{self.up()} nodes are up, not {count}\n{log()}"
            time.sleep(0.05)


@contextmanager
def running_balancer(nodes: Sequence[RunningNode], directory: Path) -> Iterator[Balancer]:
    """Run HAProxy before these nodes until the block is left."""
    program = needed_program("haproxy", "haproxy")
    ports = [free_port(), free_port()]
    config = directory / "haproxy.cfg"
    config.write_text(local_config(nodes, *ports), encoding="utf-8")
    log = directory / "haproxy.log"
    with log.open("wb") as file:
        process = subprocess.Popen([program, "-db", "-f", config], stdout=file, stderr=file)
    try:
        balancer = Balancer(*ports)
        balancer.wait_for_up(len(nodes), lambda: log.read_text(encoding="utf-8", errors="replace"))
        yield balancer
    finally:
        process.kill()
        process.wait()
