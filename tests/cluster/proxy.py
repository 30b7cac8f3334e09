"""A TCP proxy between one node and its Redis, which breaks the link in the ways in which links break.

It runs in a thread of its own, so that it goes on while a test waits for something else, with or without a loop.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
_CHUNK = 65_536
_TIMEOUT = 10.0


class Proxy:
    """Listens on a port that stays the same, and passes on what comes to the Redis on another.

    Healed, a black hole gives back what it has swallowed, as a network does by sending again: also bytes that a node
    has given up on long ago.
    """

    def __init__(self, redis_port: int) -> None:
        self._redis_port = redis_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server: asyncio.Server | None = None
        # Both ends of each connection.
        self._ends: set[tuple[StreamWriter, StreamWriter]] = set()
        # Set while bytes get through to that side.
        self._to_node, self._to_redis = asyncio.Event(), asyncio.Event()
        self._to_node.set()
        self._to_redis.set()
        self.port = 0
        self._run(self._listen())

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def addresses(self) -> set[str]:
        """Return the addresses under which Redis knows the node's connections."""
        names = self._call(lambda: [redis.get_extra_info("sockname") for _, redis in self._ends])
        return {f"{host}:{port}" for host, port in names}

    # What can go wrong

    def cut(self) -> None:
        """End all connections; new ones are welcome."""
        self._call(self._abort)

    def refuse(self) -> None:
        """End all connections, and refuse new ones."""
        self._run(self._close_listener())
        self._call(self._abort)

    def black_hole(self, *, to_redis: bool = True, to_node: bool = True) -> None:
        """Let nothing arrive any more in these directions, and tell nobody; new connections are taken and silent."""
        if to_redis:
            self._call(self._to_redis.clear)
        if to_node:
            self._call(self._to_node.clear)

    def heal(self) -> None:
        """Pass everything on again."""
        self._call(self._to_redis.set)
        self._call(self._to_node.set)
        if self._server is None:
            self._run(self._listen())

    def close(self) -> None:
        """End everything, the thread included."""
        self.refuse()
        self._run(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # In the thread

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close_listener(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def _abort(self) -> None:
        for ends in self._ends:
            for end in ends:
                end.transport.abort()

    async def _accept(self, reader: StreamReader, node: StreamWriter) -> None:
        try:
            answers, redis = await asyncio.open_connection("127.0.0.1", self._redis_port)
        except OSError:
            node.transport.abort()
            return
        except asyncio.CancelledError:
            # The proxy ends while this connects.
            node.transport.abort()
            raise
        ends = node, redis
        self._ends.add(ends)
        try:
            await asyncio.gather(
                self._pump(reader, redis, self._to_redis),
                self._pump(answers, node, self._to_node),
            )
        finally:
            self._ends.discard(ends)

    async def _pump(self, reader: StreamReader, writer: StreamWriter, is_passable: asyncio.Event) -> None:
        """Pass bytes on until one side ends, then end the other; that, too, doesn't get through a black hole."""
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await is_passable.wait()
                writer.write(data)
                await writer.drain()
            await is_passable.wait()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    @staticmethod
    async def _end_tasks() -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # From other threads

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_TIMEOUT)

    def _call(self, function: Callable[[], T]) -> T:
        async def call() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(_TIMEOUT)
