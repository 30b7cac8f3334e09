"""A balancer for machines without HAProxy."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Self

from tests.roll.balancer.relay import Relays, relay

if TYPE_CHECKING:
    import asyncio
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
        self._relays = Relays()
        # Set when started.
        self.clients_port = self.api_port = 0

    async def __aenter__(self) -> Self:
        self.clients_port = await self._relays.listen(partial(self._pass_on, self._pick_emptiest))
        self.api_port = await self._relays.listen(partial(self._pass_on, self._pick_next))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._relays.stop()

    async def enlist(self, backend: str) -> None:
        self._listed.append(backend)

    async def delist(self, backend: str) -> None:
        self._listed.remove(backend)

    async def _pass_on(
        self, pick: Callable[[], str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if not self._listed:
            writer.transport.abort()
            return
        backend = pick()
        self._open[backend] += 1
        try:
            await relay(reader, writer, self._backends[backend])
        finally:
            self._open[backend] -= 1

    def _pick_emptiest(self) -> str:
        return min(self._listed, key=self._open.__getitem__)

    def _pick_next(self) -> str:
        return self._listed[next(self._turns) % len(self._listed)]
