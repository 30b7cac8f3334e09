"""An HTTP server for tests of what no server should do: it reads a request, and then does what the test says."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def saying(*parts: bytes, pause: float = 0.0) -> Answer:
    """Return what says these one after the other, and then nothing."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return answer


class RawServer:
    """What came, and where."""

    def __init__(self) -> None:
        # Heads and bodies, as they came.
        self.requests: list[tuple[bytes, bytes]] = []
        self.connections = 0
        self.port = 0

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"


@asynccontextmanager
async def raw_server(answer: Answer, *, context: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    """Answer each request on a free port, while the block lasts."""
    state = RawServer()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                state.requests.append((head, await reader.readexactly(int(length.split(b":")[1]))))
                await answer(writer)
                if b"\r\nconnection: close\r\n" in head.lower():
                    break
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
