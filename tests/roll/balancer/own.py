"""A balancer for machines without HAProxy."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Self

from tests.roll.balancer.relay import relay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class OwnBalancer:
    """Fulfils :class:`~tests.roll.balancer.contract.Balancer`."""

    def __init__(self, backends: Mapping[str, int]) -> None:
        self.name = "the tests' own balancer"
        self._backends = dict(backends)
        self._listed: list[str] = []
        # Connections from the clients' port, by backend.
        self._open = dict.fromkeys(backends, 0)
        self._turns = count()
        self._servers: list[asyncio.Server] = []
        self._relays: set[asyncio.Task[None]] = set()
        # Set when started.
        self.clients_port = self.api_port = 0

    async def __aenter__(self) -> Self:
        self.clients_port = await self._listen(self._pick_emptiest)
        self.api_port = await self._listen(self._pick_next)
        return self

    async def __aexit__(self, *exc: object) -> None:
        for server in self._servers:
            server.close()
        for task in self._relays:
            task.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    async def enlist(self, backend: str) -> None:
        self._listed.append(backend)

    async def delist(self, backend: str) -> None:
        self._listed.remove(backend)

    async def _listen(self, pick: Callable[[], str]) -> int:
        async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._pass_on(reader, writer, pick)

        server = await asyncio.start_server(pass_on, "127.0.0.1", 0, backlog=4096)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pick: Callable[[], str]
    ) -> None:
        if not self._listed:
            writer.transport.abort()
            return
        task, backend = asyncio.current_task(), pick()
        assert task is not None, "servers call this in a task"
        self._relays.add(task)
        self._open[backend] += 1
        try:
            await relay(reader, writer, self._backends[backend])
        finally:
            self._open[backend] -= 1
            self._relays.discard(task)

    def _pick_emptiest(self) -> str:
        return min(self._listed, key=self._open.__getitem__)

    def _pick_next(self) -> str:
        return self._listed[next(self._turns) % len(self._listed)]
