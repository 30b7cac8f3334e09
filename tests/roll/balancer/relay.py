"""One TCP connection, passed on to another place: bytes in, the same bytes out, in both directions."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Serve: TypeAlias = "Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]"

_CHUNK = 65_536


class Passage(Protocol):
    """What may happen to bytes on their way."""

    def up(self, data: bytes) -> bytes:
        """Return what the server gets of what the client sent."""

    def down(self, data: bytes) -> bytes:
        """Return what the client gets of what the server sent."""


class Unaltered:
    """Leaves bytes as they are."""

    def up(self, data: bytes) -> bytes:
        return data

    def down(self, data: bytes) -> bytes:
        return data


class Relays:
    """Listens on local ports, and hands each connection over; ends all of them at once."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, serve: Serve) -> int:
        """Serve each connection to a new port, which is returned."""

        async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # A task beside the server's own, which can't bear to be cancelled in Python 3.11.
            task = asyncio.create_task(serve(reader, writer))
            self._tasks.add(task)
            await asyncio.wait([task])
            self._tasks.discard(task)
            writer.close()

        server = await asyncio.start_server(keep, "127.0.0.1", 0, backlog=4096)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Cut everything off."""
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, passage: Passage | None = None
) -> None:
    """Connect a client with the local port, until either of them ends; a refusal is a cut for the client."""
    passage = passage or Unaltered()
    try:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.transport.abort()
        return
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_pass_on(reader, there_writer, passage.up))
            tasks.create_task(_pass_on(there_reader, writer, passage.down))
    finally:
        for each in (writer, there_writer):
            each.transport.abort()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, through: Callable[[bytes], bytes]
) -> None:
    """Pass on one direction; its end too, while the other goes on."""
    with suppress(OSError):
        while (data := await reader.read(_CHUNK)) and not writer.transport.is_closing():
            writer.write(through(data))
            await writer.drain()
        if not writer.transport.is_closing():
            writer.write_eof()
