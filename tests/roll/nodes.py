"""The nodes of a run: started in their places, told to leave, killed when their time is up."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.harness import RunningNode, start_node
from tests.roll.log import AnyRecord, Complained, Delisted, Exited, Killed, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.roll.balancer.contract import Balancer
    from tests.roll.size import Size

_LOOK = 0.01


@dataclass(frozen=True, slots=True)
class Node:
    """One node, in one of the places that the balancer knows."""

    name: str
    port: int
    process: RunningNode


class Nodes:
    """Starts each node in the next place, and does to it what an orchestrator does.

    :param ports: the places.
    """

    def __init__(
        self,
        ports: Mapping[str, int],
        settings: Mapping[str, str],
        size: Size,
        balancer: Balancer,
        write: Callable[[AnyRecord], None],
    ) -> None:
        self._free = list(ports.items())
        self._settings = dict(settings)
        self._size = size
        self._balancer = balancer
        self._write = write
        self._all: list[Node] = []

    def running(self) -> list[Node]:
        """Return those that haven't ended, the oldest first."""
        return [node for node in self._all if node.process.is_running]

    async def start(self, extra: Mapping[str, str] | None = None) -> Node:
        """Start one more, wait until it is ready, have the balancer send it clients.

        :param extra: more variables, of this node only.
        """
        name, port = self._free.pop(0)
        own = {"SHOAL_PORT": str(port), "SHOAL_NODE_NAME": name}
        process = await asyncio.to_thread(start_node, self._settings | own | dict(extra or {}))
        node = Node(name, port, process)
        self._all.append(node)
        await self._balancer.enlist(name)
        return node

    async def leave(self, node: Node, *, grace: float | None = None, delist_after: float | None = None) -> None:
        """Tell a node to leave; the balancer learns of it late. One that doesn't leave in time is killed.

        :param grace: the time it has, if not what it was told that it has.
        :param delist_after: until the balancer learns of it, if not what is usual.
        """
        self._write(Told(time.time(), node.name))
        node.process.signal(signal.SIGTERM)
        delisting = asyncio.create_task(self._delist_late(node, delist_after or self._size.delist_after))
        try:
            async with asyncio.timeout(grace or self._size.grace):
                await self._wait_for_exit(node)
        except TimeoutError:
            node.process.signal(signal.SIGKILL)
            await self._wait_for_exit(node)
        await delisting

    async def kill(self, node: Node) -> None:
        """End a node without warning; the balancer sees that at once."""
        self._write(Killed(time.time(), node.name))
        node.process.signal(signal.SIGKILL)
        await self._delist(node)
        await self._wait_for_exit(node)

    def complain(self) -> None:
        """Write down the errors that nodes have logged."""
        for node in self._all:
            for line in node.process.problems():
                self._write(Complained(time.time(), node.name, line))

    def stop(self) -> None:
        """End those that still run."""
        for node in self._all:
            if node.process.is_running:
                node.process.signal(signal.SIGKILL)
            node.process.stop(check=False)

    async def _delist_late(self, node: Node, after: float) -> None:
        await asyncio.sleep(after)
        await self._delist(node)

    async def _delist(self, node: Node) -> None:
        await self._balancer.delist(node.name)
        self._write(Delisted(time.time(), node.name))

    async def _wait_for_exit(self, node: Node) -> None:
        while (status := node.process.exit_status) is None:  # noqa: ASYNC110 - nobody tells of the end of a process
            await asyncio.sleep(_LOOK)
        self._write(Exited(time.time(), node.name, status))
