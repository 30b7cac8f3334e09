"""One TCP connection, passed on to another place: bytes in, the same bytes out, in both directions."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

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
        while data := await reader.read(_CHUNK):
            writer.write(through(data))
            await writer.drain()
        writer.write_eof()
