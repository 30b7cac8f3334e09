"""A light client: connects, subscribes, writes down what happens, and comes back as pusher-js does."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

from tests.roll.light.rules import delay_after_close, delay_after_failures
from tests.roll.light.wire import ABNORMAL, Address, Message, NoHandshake, Wire
from tests.roll.log import (
    Announced,
    AnyRecord,
    Attempt,
    Closed,
    Established,
    Failed,
    Left,
    Received,
    Subscribed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.roll.crowd import Guest

EVENT = "news"
"""The name of the events that are numbered."""
_ATTEMPT_TIMEOUT = 15.0
_VISIT, _PAUSE = 3.0, 1.0


class LightGuest:
    """Plays one guest, until it is cancelled or the guest would stay away."""

    def __init__(self, guest: Guest, address: Address, write: Callable[[AnyRecord], None]) -> None:
        self._guest = guest
        self._address = address
        self._write = write
        # Attempts in a row whose handshake failed.
        self._failures = 0
        # Whether the present connection was greeted.
        self._is_established = False

    async def live(self) -> None:
        delay: float | None = 0.0
        while delay is not None:
            await asyncio.sleep(delay)
            delay = await self._connect_once()

    async def _connect_once(self) -> float | None:
        """Connect, stay until that ends; return the seconds until the next attempt, None for never."""
        self._write(Attempt(time.time(), self._guest.name))
        began_at, self._is_established = time.monotonic(), False
        try:
            async with asyncio.timeout(_ATTEMPT_TIMEOUT):
                wire = await Wire.connect(self._address)
        except (NoHandshake, TimeoutError) as exc:
            return self._failed(str(exc) or "silence", began_at)
        self._failures = 0
        try:
            return await self._stay(wire)
        finally:
            wire.hang_up()

    def _failed(self, how: str, began_at: float) -> float:
        self._write(Failed(time.time(), self._guest.name, how))
        self._failures += 1
        return max(0.0, began_at + delay_after_failures(self._failures) - time.monotonic())

    async def _stay(self, wire: Wire) -> float | None:
        try:
            async with asyncio.timeout(_VISIT if self._guest.visits else None):
                async for message in wire.messages():
                    self._hear(wire, message)
        except TimeoutError:
            wire.leave()
            self._write(Left(time.time(), self._guest.name))
            return _PAUSE
        return self._closed(wire.close_code)

    def _closed(self, code: int) -> float | None:
        name, now = self._guest.name, time.time()
        if self._is_established:
            self._write(Closed(now, name, code))
        else:
            self._write(Failed(now, name, "cut off" if code == ABNORMAL else str(code)))
        return delay_after_close(code) if self._guest.returns else None

    # Messages

    def _hear(self, wire: Wire, message: Message) -> None:
        channel, name = message.channel or "", self._guest.name
        match message.event:
            case "pusher:connection_established":
                self._is_established = True
                self._write(Established(time.time(), name))
                self._subscribe(wire, json.loads(message.data)["socket_id"])
            case "pusher_internal:subscription_succeeded":
                self._write(Subscribed(time.time(), name, channel, _roster(message)))
            case "pusher_internal:member_added" | "pusher_internal:member_removed":
                user = json.loads(message.data)["user_id"]
                self._write(Announced(time.time(), name, channel, user, message.event.endswith("added")))
            case "pusher:ping":
                wire.send("pusher:pong", {})
            case _ if message.event == EVENT:
                self._write(Received(time.time(), name, channel, json.loads(message.data)["number"]))

    def _subscribe(self, wire: Wire, socket_id: str) -> None:
        for channel in self._guest.channels:
            data, signed = {"channel": channel}, [socket_id, channel]
            if channel.startswith("presence-"):
                data["channel_data"] = json.dumps({"user_id": self._guest.user})
                signed.append(data["channel_data"])
            if not channel.startswith("feed-"):
                data["auth"] = self._address.sign(":".join(signed))
            wire.send("pusher:subscribe", data)


def _roster(message: Message) -> tuple[str, ...] | None:
    presence = json.loads(message.data).get("presence") if message.data else None
    return tuple(presence["ids"]) if presence else None
