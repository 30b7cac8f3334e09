"""The customer's back end: publishes numbered events through the balancer, and asks who is in a channel."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING

from tests.roll.http_client import Answer, HttpClient, NoAnswer
from tests.roll.light.guest import EVENT
from tests.roll.log import AnyRecord, Listed, Published

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.harness import Credentials


_LARGEST = 10_240


class BackEnd:
    """One HTTP client, which keeps its connections as official libraries do."""

    def __init__(self, app: Credentials, port: int, write: Callable[[AnyRecord], None]) -> None:
        self._app = app
        self._write = write
        self._http = HttpClient(port)

    def close(self) -> None:
        self._http.close()

    @asynccontextmanager
    async def publishing(self, channels: Sequence[str], per_second: float) -> AsyncIterator[None]:
        """Publish in turn to each channel; in one channel, an event is sent when the one before it was answered."""
        task = asyncio.create_task(self._publish_for_ever(channels, per_second))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _publish_for_ever(self, channels: Sequence[str], per_second: float) -> None:
        interval = len(channels) / per_second
        async with asyncio.TaskGroup() as tasks:
            for channel in channels:
                tasks.create_task(self._publish_in(channel, interval))
                await asyncio.sleep(1.0 / per_second)

    async def _publish_in(self, channel: str, interval: float) -> None:
        begin = time.monotonic()
        for number in count():
            await self._publish(channel, number)
            await asyncio.sleep(begin + (number + 1) * interval - time.monotonic())

    async def _publish(self, channel: str, number: int) -> None:
        fields = {"name": EVENT, "channels": [channel], "data": json.dumps({"number": number})}
        sent_at = time.time()
        try:
            status = (await self._request("POST", "/events", json.dumps(fields).encode())).status
        except NoAnswer:
            status = 0
        self._write(Published(sent_at, time.time(), channel, number, status))

    async def flood(self, channel: str, events: int) -> None:
        """Publish events of the largest size, which nobody counts."""
        fields = {"name": "flood", "channels": [channel], "data": "x" * _LARGEST}
        for _ in range(events):
            answer = await self._request("POST", "/events", json.dumps(fields).encode())
            assert answer.status == 200, answer

    async def list_members(self, channel: str, node: str) -> None:
        """Ask for the members of a channel.

        :param node: whose port this back end was given.
        """
        answer = await self._request("GET", f"/channels/{channel}/users", b"")
        assert answer.status == 200, answer
        users = tuple(user["id"] for user in json.loads(answer.body)["users"])
        self._write(Listed(time.time(), node, channel, users))

    async def _request(self, method: str, below: str, body: bytes) -> Answer:
        path = f"/apps/{self._app.app_id}{below}"
        # In alphabetical order, as they are signed.
        query = f"auth_key={self._app.key}&auth_timestamp={int(time.time())}&auth_version=1.0"
        if body:
            query += f"&body_md5={hashlib.md5(body, usedforsecurity=False).hexdigest()}"
        signature = hmac.new(self._app.secret.encode(), f"{method}\n{path}\n{query}".encode(), hashlib.sha256)
        return await self._http.request(method, f"{path}?{query}&auth_signature={signature.hexdigest()}", body)
