"""Look-ups of back ends' host names, in threads of their own.

The event loop's look-ups share a few threads, with those of Redis and of the database: some names whose servers don't
answer would hold up all others, and the node's end, for as long as the system waits (uvloop looks up two at a time).
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

from aiohttp.abc import AbstractResolver, ResolveResult

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 64
"""Look-ups under way; of one name there is only one. More wait their turn."""


class Resolver(AbstractResolver):
    """Asks the system, as the event loop does.

    :param look_up: what asks; it may take its time.
    """

    def __init__(self, look_up: Callable[..., list[Any]] = socket.getaddrinfo) -> None:
        self._look_up = look_up
        self._free = asyncio.Semaphore(MOST)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """:raises OSError: if the name has no address, or nobody can tell."""
        async with self._free:
            found = await self._ask(host, port, family)
        return [
            ResolveResult(
                hostname=host,
                host=address[0],
                port=address[1],
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    def _ask(self, *what: Any) -> asyncio.Future[list[Any]]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Any]] = loop.create_future()

        def settle(found: list[Any], problem: Exception | None) -> None:
            if future.done():
                return
            if problem is None:
                future.set_result(found)
            else:
                future.set_exception(problem)

        def ask() -> None:
            found, problem = [], None
            try:
                found = self._look_up(*what, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
            except (OSError, UnicodeError) as exc:
                problem = exc
            # The loop may be closed by now.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, found, problem)

        # A daemon: the node doesn't wait for it in the end.
        Thread(target=ask, daemon=True).start()
        return future

    async def close(self) -> None:
        """Nothing is kept."""
