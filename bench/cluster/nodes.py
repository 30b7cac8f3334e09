"""A Redis and some nodes, each with a load generator of its own, and the CPU that each of them uses."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from redis import Redis
from redis import exceptions as redis_errors

from bench.errors import BenchError
from bench.generator import Generator, running_generator
from bench.machine import pinned_to
from bench.process import Process
from bench.server import OUR_COMMAND, Server, running_server
from tools.cluster import NoServer, find_server, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.stage import Stage

_START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Node:
    """One node, and the clients that are its own."""

    server: Server
    load: Generator


@dataclass(frozen=True, slots=True)
class Nodes:
    """What one scenario works with."""

    nodes: tuple[Node, ...]
    redis: Redis
    redis_process: Process

    def cpu_seconds(self) -> list[float]:
        """Return what each node, and last the Redis, has used so far."""
        return [
            process.cpu_seconds() for process in (*(node.server.process for node in self.nodes), self.redis_process)
        ]


@contextmanager
def running_nodes(stage: Stage, count: int) -> Iterator[Nodes]:
    """Start a Redis and nodes, on the server's core, and a generator for each, on the other; all end afterwards."""
    with ExitStack() as stack:
        port, process = stack.enter_context(running_redis(stage))
        redis = stack.enter_context(Redis(port=port, single_connection_client=True))
        command = (*OUR_COMMAND, "--redis", f"redis://127.0.0.1:{port}")
        servers = [stack.enter_context(running_server(command, core=stage.cores.server)) for _ in range(count)]
        loads = [
            stack.enter_context(running_generator(stage.load_program, server.port, core=stage.cores.load))
            for server in servers
        ]
        nodes = tuple(Node(server, load) for server, load in zip(servers, loads, strict=True))
        yield Nodes(nodes, redis, process)


@contextmanager
def running_redis(stage: Stage) -> Iterator[tuple[int, Process]]:
    """Start a Redis on the load's core; return its port and its process."""
    try:
        program = find_server()
    except NoServer as error:
        raise BenchError(str(error)) from error
    port = free_port()
    with TemporaryDirectory(prefix="shoal-bench-") as folder:
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        with (Path(folder) / "log").open("w") as log, pinned_to(stage.cores.load):
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_until_answering(port)
            yield port, Process(process.pid)
        finally:
            process.kill()
            process.wait()


def _wait_until_answering(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with Redis(port=port) as redis:
        while True:
            try:
                redis.ping()
                return
            except redis_errors.ConnectionError as error:
                if time.monotonic() > deadline:
                    raise BenchError(f"Redis doesn't answer on port {port}") from error
                time.sleep(0.02)
