"""A broken front for nodes that aren't: the balancer knows only its ports, and each connection is tampered with."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Self

from tests.roll.balancer.relay import Relays, relay
from tests.roll.faults.tampering import Plan, Plot, Tampering

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping


class Front:
    """Stands before nodes while its ``async with`` block runs; harmless until it is armed.

    :param ports: those of the nodes, by name.
    """

    def __init__(self, ports: Mapping[str, int], plan: Plan) -> None:
        self._nodes = dict(ports)
        self._plot = Plot(plan)
        self._relays = Relays()
        # Those that stand for the nodes', by name; empty until started.
        self.ports: dict[str, int] = {}

    def arm(self) -> None:
        """From now on things go wrong."""
        self._plot.is_armed = True

    async def __aenter__(self) -> Self:
        for name, port in self._nodes.items():
            self.ports[name] = await self._relays.listen(partial(self._tamper, port))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._relays.stop()

    async def _tamper(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await relay(reader, writer, port, Tampering(self._plot))
