"""HAProxy from the system, with a configuration of its own, told through its socket whom to send connections to."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from subprocess import DEVNULL
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

from tests.adapter.redis.servers import free_port

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Mapping

_START_TIMEOUT = 10.0
_POOLS = ("clients", "api")
_CONFIGURATION = """\
global
    maxconn 9000
    stats socket {socket} level admin

defaults
    mode tcp
    retries 0
    timeout connect 5s
    timeout client 1h
    timeout server 1h

listen clients
    bind 127.0.0.1:{clients_port}
    balance leastconn
{servers}

listen api
    bind 127.0.0.1:{api_port}
    balance roundrobin
{servers}
"""


class HAProxy:
    """Fulfils :class:`~tests.roll.balancer.contract.Balancer`."""

    def __init__(self, backends: Mapping[str, int], program: str) -> None:
        self.name = "HAProxy"
        self._program = program
        self._backends = dict(backends)
        self._folder = TemporaryDirectory(prefix="shoal-haproxy-")
        self._socket = str(Path(self._folder.name) / "socket")
        self.clients_port, self.api_port = free_port(), free_port()
        # Set when started.
        self._process: Process

    async def __aenter__(self) -> Self:
        path = Path(self._folder.name) / "haproxy.cfg"
        path.write_text(self._configuration())
        self._process = await asyncio.create_subprocess_exec(
            self._program, "-db", "-f", str(path), stdout=DEVNULL, stderr=DEVNULL
        )
        deadline = time.monotonic() + _START_TIMEOUT
        while not self._has_started():
            assert self._process.returncode is None, f"HAProxy ended with {self._process.returncode}"
            assert time.monotonic() < deadline, "HAProxy doesn't start"
            await asyncio.sleep(0.02)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._process.kill()
        await self._process.wait()
        self._folder.cleanup()

    async def enlist(self, backend: str) -> None:
        await self._set(backend, "ready")

    async def delist(self, backend: str) -> None:
        await self._set(backend, "maint")

    async def _set(self, backend: str, state: str) -> None:
        for pool in _POOLS:
            await self._command(f"set server {pool}/{backend} state {state}")

    async def _command(self, command: str) -> None:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        writer.write(f"{command}\n".encode())
        answer = (await reader.read()).decode().strip()
        writer.close()
        assert not answer, f"{command}: {answer}"

    def _has_started(self) -> bool:
        return Path(self._socket).exists()

    def _configuration(self) -> str:
        servers = "\n".join(
            f"    server {name} 127.0.0.1:{port} maxconn 4000 disabled" for name, port in self._backends.items()
        )
        return _CONFIGURATION.format(
            socket=self._socket, clients_port=self.clients_port, api_port=self.api_port, servers=servers
        )
