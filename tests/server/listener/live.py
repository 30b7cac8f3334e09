"""A raw client, and the applications and WebSocket stand-ins that it talks to."""

from __future__ import annotations

import asyncio
import json
import weakref
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.server.listener.fakes import FakeClock

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from server.listener import Listener, Upgrade
    from server.listener.http_protocol import HttpProtocol

    Listen = Callable[..., Awaitable[Listener]]

PATIENCE = 20.0
"""Seconds until a test that waits for something is hopeless. None that passes waits so long."""

GET = b"GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n"
HANDSHAKE = b"GET /app/k%65y?protocol=7 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Writes bytes, reads responses."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def response(self) -> Response:
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            pairs = (line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in pairs}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Response(int(head[0].split()[1]), headers, body)

    async def ask(self, data: bytes) -> Response:
        self.send(data)
        return await self.response()

    async def rest(self) -> bytes:
        """Read until the server has ended the connection."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""

    async def send_all(self, data: bytes) -> None:
        """Send as much as the server takes, like a client that looks at nothing until it has sent everything."""
        async with asyncio.timeout(PATIENCE):
            self.writer.write(data)
            await self.writer.drain()


@asynccontextmanager
async def connected(
    listener: Listener, *, tls: ssl.SSLContext | None = None, path: Path | None = None
) -> AsyncIterator[Client]:
    if path is not None:
        reader, writer = await asyncio.open_unix_connection(path)
    else:
        name = "localhost" if tls else None
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=tls, server_hostname=name)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def nobody_left(listener: Listener) -> None:
    """Wait until the listener has no HTTP connection."""
    state = listener._state
    assert state is not None
    async with asyncio.timeout(PATIENCE):
        await state.wait_empty()


async def until(condition: Callable[[], object]) -> None:
    """Wait for what nobody tells of."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)


def stop_time(listener: Listener) -> FakeClock:
    """Have the deadlines of a listener, to which nobody has come yet, go by the clock that is returned."""
    state = listener._state
    assert state is not None
    clock = FakeClock()
    state.requests._clock = state.idle._clock = clock
    return clock


def _only_connection(listener: Listener) -> HttpProtocol | None:
    state = listener._state
    assert state is not None
    (connection,) = state.connections or [None]
    return connection  # type: ignore[return-value]


def is_receiving(listener: Listener) -> bool:
    """Tell whether the only connection is in the middle of a request."""
    connection = _only_connection(listener)
    return connection is not None and connection._phase.name in {"HEAD", "BODY"}


def is_stuck(listener: Listener) -> bool:
    """Tell whether the client of the only connection doesn't take what it is sent."""
    connection = _only_connection(listener)
    return connection is not None and connection.flow.write_paused


async def body_of(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def answer(send: Any, body: bytes, status: int = 200) -> None:
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what came."""
    body = await body_of(receive)
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "headers": {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        "client": scope["client"][0],
        "scheme": scope["scheme"],
        "body": body.decode("latin-1"),
    }
    await answer(send, json.dumps(seen).encode())


class Gate:
    """An application whose answers wait until the test opens the gate."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()
        self.paths: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope["path"])
        self.entered.set()
        await self.opened.wait()
        await answer(send, scope["path"].encode())


class Peer(asyncio.Protocol):
    """Stands for a WebSocket: notes what it is fed."""

    def __init__(self) -> None:
        self.received = b""
        self.writing_paused = False
        self.fed = asyncio.Event()
        self.lost = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.fed.set()

    def pause_writing(self) -> None:
        self.writing_paused = True

    def resume_writing(self) -> None:
        self.writing_paused = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@dataclass
class Upgrades:
    """A handler that answers 101, and remembers what it was given and by whom."""

    seen: list[Upgrade] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    before: list[weakref.ref[asyncio.BaseProtocol]] = field(default_factory=list)

    def __call__(self, upgrade: Upgrade) -> asyncio.Protocol | None:
        self.seen.append(upgrade)
        self.before.append(weakref.ref(upgrade.transport.get_protocol()))
        self.peers.append(Peer())
        upgrade.transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        return self.peers[-1]
