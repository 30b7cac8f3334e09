"""A client that notes everything it is told, with hardly any cost, and is asked afterwards."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from tests.cluster.wire import open_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.cluster.wire import Wire
    from tests.harness import Credentials, RunningNode

TIMEOUT = 20.0
ADDED, REMOVED = "pusher_internal:member_added", "pusher_internal:member_removed"
_SUCCEEDED = "pusher_internal:subscription_succeeded"


class Told(NamedTuple):
    """One event, as it came."""

    at: float
    """By the event loop's clock."""
    event: str
    channel: str
    data: Any


@dataclass(slots=True)
class Attendance:
    """One subscription to a channel, from its confirmation on: what it was told, in order."""

    roster: frozenset[str] = frozenset()
    """Members at the confirmation; empty but for presence channels."""
    events: list[Told] = field(default_factory=list)
    """Members' coming and going left out."""
    changes: list[tuple[bool, str]] = field(default_factory=list)
    """Who came (True) or went."""
    present: set[str] = field(init=False)
    """Members, as far as this subscriber can know."""

    def __post_init__(self) -> None:
        self.present = set(self.roster)

    @property
    def data(self) -> list[str]:
        return [told.data for told in self.events]

    def note(self, told: Told) -> None:
        """Note one more thing that was told."""
        if told.event not in {ADDED, REMOVED}:
            self.events.append(told)
            return
        has_come, user = told.event == ADDED, json.loads(told.data)["user_id"]
        self.changes.append((has_come, user))
        (self.present.add if has_come else self.present.discard)(user)


class Observer:
    """One connection, with what it was told of each channel since its last confirmation there."""

    def __init__(self, name: str, app: Credentials) -> None:
        self.name = name
        self._app = app
        self._loop = asyncio.get_running_loop()
        self.socket_id = ""
        self.attended: dict[str, Attendance] = {}
        # What isn't of a channel: errors, the confirmation of a sign-in.
        self.told: list[Told] = []
        self._changed = asyncio.Event()
        self._wire: Wire | None = None

    @classmethod
    async def connect(cls, node: RunningNode, name: str = "") -> Self:
        """Connect and await ``pusher:connection_established``.

        :raises ConnectionRefusedError: with the code, if the node closes the connection instead.
        """
        observer = cls(name, node.app)
        path = f"/app/{node.app.key}?protocol=7&client=test&version=1.0"
        observer._wire = await open_wire(node.host, node.port, path, observer._receive)
        observer.wire.closed.add_done_callback(lambda _: observer._changed.set())
        await observer.until(lambda: observer.socket_id or not observer.is_open, "established")
        if not observer.socket_id:
            raise ConnectionRefusedError(f"closed with {observer.code}")
        return observer

    @property
    def wire(self) -> Wire:
        assert self._wire is not None, "connected"
        return self._wire

    @property
    def is_open(self) -> bool:
        return not self.wire.closed.done()

    @property
    def code(self) -> int | None:
        """With which the connection ended; None while it is open."""
        return self.wire.closed.result() if self.wire.closed.done() else None

    @property
    def errors(self) -> list[str]:
        return [str(told.data["message"]) for told in self.told if told.event == "pusher:error"]

    # Acting

    def ask_to_subscribe(self, channel: str, *, user: str | None = None) -> None:
        """Send a subscription, signed if the channel needs it; as this member of a presence channel."""
        data = {"channel": channel}
        if user is not None:
            data["channel_data"] = json.dumps({"user_id": user, "user_info": {"name": f"Member {user}"}})
        if channel.startswith(("private-", "presence-")):
            data["auth"] = self._sign(":".join((self.socket_id, *data.values())))
        self.send("pusher:subscribe", data)

    async def subscribe(self, channel: str, *, user: str | None = None) -> Attendance:
        """Subscribe, and wait until it is confirmed."""
        self.ask_to_subscribe(channel, user=user)
        await self.until(lambda: channel in self.attended, f"subscribed to {channel}")
        return self.attended[channel]

    def unsubscribe(self, channel: str) -> None:
        self.send("pusher:unsubscribe", {"channel": channel})
        self.attended.pop(channel, None)

    async def sign_in(self, user: str) -> None:
        text = json.dumps({"id": user})
        self.send("pusher:signin", {"auth": self._sign(f"{self.socket_id}::user::{text}"), "user_data": text})
        await self.until(lambda: any(told.event == "pusher:signin_success" for told in self.told), "signed in")

    def trigger(self, channel: str, data: str) -> None:
        """Send a client event."""
        self.send("client-numbered", data, channel)

    def send(self, event: str, data: Any, channel: str | None = None) -> None:
        message = {"event": event, "data": data} | ({"channel": channel} if channel else {})
        self.wire.send(json.dumps(message))

    def _sign(self, text: str) -> str:
        return f"{self._app.key}:{hmac.new(self._app.secret.encode(), text.encode(), hashlib.sha256).hexdigest()}"

    async def close(self) -> None:
        """Leave with a clean close, and wait for the end."""
        self.wire.close()
        async with asyncio.timeout(TIMEOUT):
            await asyncio.shield(self.wire.closed)

    def drop(self) -> None:
        """Cut the connection without a word."""
        self.wire.drop()

    # Being told

    def _receive(self, text: bytes) -> None:
        message = json.loads(text)
        told = Told(self._loop.time(), message["event"], message.get("channel", ""), message.get("data"))
        if not told.channel:
            self._told(told)
        elif told.event == _SUCCEEDED:
            self.attended[told.channel] = Attendance(_roster(told.data))
        elif (attendance := self.attended.get(told.channel)) is not None:
            attendance.note(told)
        self._changed.set()

    def _told(self, told: Told) -> None:
        if told.event == "pusher:ping":
            self.send("pusher:pong", {})
        elif told.event == "pusher:connection_established":
            self.socket_id = json.loads(told.data)["socket_id"]
        else:
            self.told.append(told)

    async def until(self, condition: Callable[[], object], what: str, within: float = TIMEOUT) -> None:
        """Wait until `condition()` holds, looking at each thing that is told."""
        try:
            async with asyncio.timeout(within):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{self.name}: {what}: not within {within} s; told {self.told}") from None


def _roster(data: str) -> frozenset[str]:
    presence = json.loads(data).get("presence") if data else None
    return frozenset(presence["ids"]) if presence else frozenset()


class Crowd:
    """Observers that end together."""

    def __init__(self) -> None:
        self.observers: list[Observer] = []

    async def connect(self, node: RunningNode, name: str = "") -> Observer:
        """Connect one more; it ends with the test at the latest."""
        observer = await Observer.connect(node, name or f"observer {len(self.observers)}")
        self.observers.append(observer)
        return observer

    def lost(self) -> list[str]:
        """Return those whose connection has ended, with the code."""
        return [f"{observer.name}: {observer.code}" for observer in self.observers if not observer.is_open]

    async def leave(self, observers: Iterable[Observer] | None = None) -> None:
        """End connections, all by default, and wait until they are."""
        leaving = [one for one in (self.observers if observers is None else list(observers)) if one.is_open]
        for observer in leaving:
            observer.drop()
        await asyncio.gather(*(observer.wire.closed for observer in leaving))
        self.observers = [one for one in self.observers if one.is_open]
