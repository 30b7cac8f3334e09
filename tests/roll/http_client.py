"""An HTTP client that costs little and keeps its connections as those of official libraries do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

_TIMEOUT = 10.0


class NoAnswer(Exception):
    """The connection was refused, or ended before the answer was whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class HttpClient:
    """Sends requests to one local port, as many at a time as there are callers.

    A connection is used again unless the server has asked not to, or has ended it meanwhile. Nothing is sent twice.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        # The one that was used last is used next.
        self._idle: list[_Connection] = []

    def close(self) -> None:
        """Let go of idle connections."""
        while self._idle:
            self._idle.pop().writer.close()

    async def request(self, method: str, target: str, body: bytes) -> Answer:
        """Send a request with a JSON body, or an empty one.

        :raises NoAnswer: if there is none.
        """
        head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        try:
            async with asyncio.timeout(_TIMEOUT):
                return await self._send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        except (OSError, EOFError, TimeoutError) as exc:
            raise NoAnswer(repr(exc)) from exc

    async def _send(self, request: bytes) -> Answer:
        connection = await self._connection()
        try:
            connection.writer.write(request)
            head = (await connection.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            answer = Answer(int(head.split(" ", 2)[1]), await connection.reader.readexactly(_length(head)))
        except BaseException:
            connection.writer.transport.abort()
            raise
        if "\r\nconnection: close" in head:
            connection.writer.close()
        else:
            self._idle.append(connection)
        return answer

    async def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.reader.at_eof():
                return connection
            connection.writer.close()
        return _Connection(*await asyncio.open_connection("127.0.0.1", self._port))


def _length(head: str) -> int:
    _, found, rest = head.partition("\r\ncontent-length:")
    return int(rest.partition("\r\n")[0]) if found else 0
