"""A signed caller of one node's HTTP API, cheap enough for hundreds of requests a second."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Mapping

    from tests.harness import RunningNode


@dataclass(frozen=True, slots=True)
class Answer:
    """What the node said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        """The body's JSON."""
        assert self.status == 200, f"{self.status} {self.body!r}"
        return json.loads(self.body)


class Api:
    """One connection, opened with the first request, and again after it broke.

    :param clock_shift: seconds by which the node's clock is wrong, so that it takes this caller's signatures.
    """

    def __init__(self, node: RunningNode, *, clock_shift: float = 0.0) -> None:
        self._node = node
        self._clock_shift = clock_shift
        self._streams: tuple[StreamReader, StreamWriter] | None = None

    async def publish(self, channel: str, data: str, *, socket_id: str | None = None) -> Answer:
        """Publish an event to a channel, its data as it is."""
        body = {"name": "numbered", "channels": [channel], "data": data}
        return await self.ask("POST", "/events", body if socket_id is None else body | {"socket_id": socket_id})

    async def users(self, channel: str) -> set[str]:
        """Return the members of a presence channel."""
        answer = await self.ask("GET", f"/channels/{channel}/users")
        return {user["id"] for user in answer.value["users"]}

    async def ask(self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Answer:
        """Send a request below the application's path.

        :raises OSError: if the connection breaks; the effect is then unknown.
        """
        content = b"" if body is None else json.dumps(body).encode()
        path = f"/apps/{self._node.app.app_id}{path}"
        target = f"{path}?{self._signed(method, path, content, query or {})}"
        head = f"{method} {target} HTTP/1.1\r\nHost: {self._node.host}\r\nContent-Length: {len(content)}\r\n"
        head += "Content-Type: application/json\r\n" if content else ""
        try:
            return await self._exchange(f"{head}\r\n".encode() + content)
        except (OSError, EOFError, asyncio.CancelledError) as exc:
            self._drop()
            if isinstance(exc, EOFError):
                raise ConnectionResetError("the connection ended") from exc
            raise

    def _signed(self, method: str, path: str, content: bytes, query: Mapping[str, str]) -> str:
        now = int(time.time() + self._clock_shift)
        fields = {"auth_key": self._node.app.key, "auth_timestamp": str(now), "auth_version": "1.0", **query}
        if content:
            fields["body_md5"] = hashlib.md5(content).hexdigest()
        text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
        secret = self._node.app.secret.encode()
        signature = hmac.new(secret, f"{method}\n{path}\n{text}".encode(), hashlib.sha256).hexdigest()
        fields["auth_signature"] = signature
        return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())

    async def _exchange(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._node.host, self._node.port)
        reader, writer = self._streams
        writer.write(request)
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self._drop()
        return Answer(int(status.split()[1]), headers, body)

    def _drop(self) -> None:
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].transport.abort()

    async def close(self) -> None:
        """End the connection."""
        if self._streams is not None:
            writer = self._streams[1]
            self._drop()
            with suppress(OSError):
                await writer.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
