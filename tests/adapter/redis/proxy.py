"""A TCP proxy between a node and a server, for breaking what is between them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from types import TracebackType

# How a message begins that comes by a subscription.
_PUBLISHED = b"$7\r\nmessage\r\n"


class Proxy:
    """Hands bytes on, until told otherwise."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._questions_flow, self._answers_flow = asyncio.Event(), asyncio.Event()
        self.flow()
        self.is_closed = False
        self.connections = 0
        # Whether what was published is left out, and how often that was.
        self.is_deaf = False
        self.lost = 0

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Reset all connections."""
        for writer in list(self._writers):
            writer.transport.abort()

    def cut_one(self, rng: random.Random) -> None:
        """Reset one connection, any."""
        if self._writers:
            rng.choice(sorted(self._writers, key=id)).transport.abort()

    def close(self) -> None:
        """Reset all connections, and let no new one in."""
        self.is_closed = True
        self.cut()

    def open(self) -> None:
        self.is_closed = False

    def swallow(self) -> None:
        """Hand nothing on any more, without a word; connections stay, and new ones come."""
        self._questions_flow.clear()
        self._answers_flow.clear()

    def swallow_answers(self) -> None:
        """Hand on what is asked, but nothing that is answered."""
        self._answers_flow.clear()

    def flow(self) -> None:
        self._questions_flow.set()
        self._answers_flow.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.is_closed:
            writer.transport.abort()
            return
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        for way in ((reader, to_writer, self._questions_flow), (to_reader, writer, self._answers_flow)):
            task = asyncio.create_task(self._pump(*way))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event) -> None:
        self._writers.add(writer)
        try:
            while data := await reader.read(65_536):
                await flows.wait()
                if self.is_deaf and _PUBLISHED in data:
                    self.lost += 1
                    continue
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
