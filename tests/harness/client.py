"""A client for tests that shows every frame as it came, and sends what no library would."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from websockets.asyncio.client import ClientConnection

    from tests.harness.node import Credentials, RunningNode

TIMEOUT = 20.0
"""Seconds that anything may take which is expected to happen: for slow machines, never reached otherwise."""


@dataclass(frozen=True, slots=True)
class Message:
    """One frame from the server: the members of its envelope, and the text they were read from."""

    event: str
    channel: str | None
    data: Any  # As it came: in all but pusher:error a string.
    user_id: str | None
    text: str

    @property
    def value(self) -> Any:
        """What the data says, decoded if it is JSON in a string."""
        return json.loads(self.data) if isinstance(self.data, str) else self.data


@dataclass(frozen=True, slots=True)
class Closed:
    """How the server ended the connection: code 1006 if without a close frame."""

    code: int
    reason: str


class Client:
    """One connection. What is received stays in line until it is asked for; pings of the protocol aren't answered."""

    def __init__(self, connection: ClientConnection, app: Credentials, ignored: frozenset[str] = frozenset()) -> None:
        self.connection = connection
        self.app = app
        # Events that are dropped as if they had never come.
        self.ignored = ignored
        # Empty until :meth:`established`.
        self.socket_id = ""

    @classmethod
    async def connect(cls, node: RunningNode, **options: Any) -> Self:
        """Connect and await ``pusher:connection_established``."""
        client = await cls.open(node, **options)
        await client.established()
        return client

    @classmethod
    async def open(
        cls,
        node: RunningNode,
        *,
        key: str | None = None,
        query: str = "protocol=7&client=test&version=1.0",
        ignored: Iterable[str] = (),
    ) -> Self:
        """Connect and await nothing of the protocol: for what is turned away.

        :param key: of another application than the node's first one, or of none.
        :param ignored: events to drop, such as those that come whenever others do something.
        """
        base = node.websocket_url if key is None else f"ws://{node.host}:{node.port}/app/{key}"
        url = f"{base}?{query}" if query else base
        connection = await connect(url, compression=None, proxy=None, max_size=None)
        return cls(connection, node.app, frozenset(ignored))

    async def established(self) -> dict[str, Any]:
        """Await the server's hello; return what it said."""
        hello: dict[str, Any] = (await self.expect("pusher:connection_established")).value
        self.socket_id = hello["socket_id"]
        return hello

    async def close(self) -> None:
        """Leave with a clean close."""
        await self.connection.close()

    def drop(self) -> None:
        """Cut the connection without a word."""
        self.connection.transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    # Sending

    async def send_raw(self, frame: str | bytes) -> None:
        """Send a text frame, or a binary one."""
        await self.connection.send(frame)

    async def send(self, event: str, data: Any = None, channel: str | None = None) -> None:
        """Send an event; data is left out if None, and is JSON as it is otherwise."""
        message = {"event": event, "data": data, "channel": channel}
        await self.send_raw(json.dumps({key: value for key, value in message.items() if value is not None}))

    async def ask_to_subscribe(self, channel: str, *, user: dict[str, Any] | None = None) -> None:
        """Send a subscription, signed where the channel needs it, and don't await the answer."""
        data = {"channel": channel}
        if user is not None:
            data["channel_data"] = json.dumps(user)
        if channel.startswith(("private-", "presence-")):
            data["auth"] = self.sign(":".join([self.socket_id, channel, *([data["channel_data"]] if user else [])]))
        await self.send("pusher:subscribe", data)

    async def subscribe(self, channel: str, *, user: dict[str, Any] | None = None) -> dict[str, Any]:
        """Subscribe, and return what ``pusher_internal:subscription_succeeded`` says.

        :param user: with ``user_id`` and perhaps ``user_info``, for presence channels.
        """
        await self.ask_to_subscribe(channel, user=user)
        value: dict[str, Any] = (await self.expect("pusher_internal:subscription_succeeded", channel)).value
        return value

    async def unsubscribe(self, channel: str) -> None:
        await self.send("pusher:unsubscribe", {"channel": channel})

    async def sign_in(self, user: dict[str, Any]) -> None:
        """Sign in as the user with this ``id``, and await the confirmation."""
        text = json.dumps(user)
        auth = self.sign(f"{self.socket_id}::user::{text}")
        await self.send("pusher:signin", {"auth": auth, "user_data": text})
        await self.expect("pusher:signin_success")

    def sign(self, text: str) -> str:
        """Return the ``auth`` for a text, as the application's back end would."""
        return f"{self.app.key}:{hmac.new(self.app.secret.encode(), text.encode(), hashlib.sha256).hexdigest()}"

    # Receiving

    async def receive(self) -> Message:
        """Return the next frame, whatever it is, but for those that are ignored."""
        async with asyncio.timeout(TIMEOUT):
            while (message := _parse(await self.connection.recv(decode=True))).event in self.ignored:
                pass
        return message

    async def expect(self, event: str, channel: str | None = None) -> Message:
        """Return the next frame, which must be this event, of this channel if one is given."""
        message = await self.receive()
        assert message.event == event, message.text
        assert channel is None or message.channel == channel, message.text
        return message

    async def expect_error(self, code: int | None) -> str:
        """Return the message of the next frame, which must be ``pusher:error`` with this code."""
        message = await self.expect("pusher:error")
        assert message.data["code"] == code, message.text
        return str(message.data["message"])

    async def settled(self) -> list[Message]:
        """Return all that came before the answer to a ping sent now: how a test sees that something did not come."""
        await self.send("pusher:ping", {})
        messages = []
        while (message := await self.receive()).event != "pusher:pong":
            messages.append(message)
        return messages

    async def expect_close(self) -> Closed:
        """Await the end of the connection; what is received until then is dropped."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as closed:
            return Closed(closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else Closed(1006, "")


def _parse(text: str) -> Message:
    message = json.loads(text)
    return Message(message["event"], message.get("channel"), message.get("data"), message.get("user_id"), text)
