"""What ``shoal tail`` says to a server and shows of its answers. Sans-I/O: texts in, effects out.

A connection begins with the server's word; only then the socket id is known that subscriptions are signed with.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from server.protocol.auth import sign

if TYPE_CHECKING:
    from collections.abc import Sequence

# Who we are in a presence channel; several who watch it are one member.
_MEMBER = json.dumps({"user_id": "shoal-tail"})
_BACK_OFF = 1.0


@dataclass(frozen=True, slots=True)
class Send:
    """Say this to the server."""

    text: str


@dataclass(frozen=True, slots=True)
class Show:
    """An event that somebody published, or that the server tells of a channel."""

    channel: str
    event: str
    data: str
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the person at the terminal should know, but that is no event."""

    text: str


class Subscriber:
    """One connection's side of the protocol, subscribing to `channels` once the server said hello."""

    def __init__(self, channels: Sequence[str], *, key: str, secret: bytes) -> None:
        self._channels = channels
        self._key = key
        self._secret = secret
        self.is_established = False
        self._refused: set[str] = set()

    @property
    def is_refused(self) -> bool:
        """Tell whether the server wants us on none of the channels, so that nothing will ever come."""
        return bool(self._refused) and self._refused.issuperset(self._channels)

    def received(self, text: str) -> list[Send | Show | Note]:
        """React to a message from the server."""
        try:
            return self._reaction(json.loads(text))
        except (ValueError, TypeError, KeyError):
            return [Note(f"not a message of the protocol: {text[:200]}")]

    def _reaction(self, message: dict[str, Any]) -> list[Send | Show | Note]:
        match message["event"]:
            case "pusher:connection_established":
                return self._established(message["data"])
            case "pusher:ping":
                return [_say("pusher:pong", {})]
            case "pusher:pong":
                return []
            case "pusher:error":
                return [_error(message["data"])]
            case "pusher_internal:subscription_succeeded":
                return [Note(f"subscribed to {message['channel']}")]
            case "pusher:subscription_error":
                self._refused.add(message["channel"])
        return [_shown(message)]

    def _established(self, data: str) -> list[Send | Show | Note]:
        socket_id = str(json.loads(data)["socket_id"])
        self.is_established = True
        return [_say("pusher:subscribe", self._subscription(channel, socket_id)) for channel in self._channels]

    def _subscription(self, channel: str, socket_id: str) -> dict[str, str]:
        if channel.startswith("presence-"):
            auth = self._auth(f"{socket_id}:{channel}:{_MEMBER}")
            return {"channel": channel, "auth": auth, "channel_data": _MEMBER}
        if channel.startswith("private-"):
            return {"channel": channel, "auth": self._auth(f"{socket_id}:{channel}")}
        return {"channel": channel}

    def _auth(self, text: str) -> str:
        return f"{self._key}:{sign(self._secret, text)}"


def reconnect_delay(code: int, *, was_established: bool) -> float | None:
    """Return how long to wait after a close before coming back; None for not at all.

    The ranges are the protocol's. "At once" is only for those who were in: one who is turned away at the door would
    knock hundreds of times a second.
    """
    if 4000 <= code <= 4099:
        return None
    if 4200 <= code <= 4299 and was_established:
        return 0.0
    return _BACK_OFF


def _say(event: str, data: dict[str, str]) -> Send:
    return Send(json.dumps({"event": event, "data": data}))


def _shown(message: dict[str, Any]) -> Show:
    data = message.get("data", "")
    return Show(
        channel=str(message.get("channel", "-")),
        event=str(message["event"]),
        data=data if isinstance(data, str) else json.dumps(data),
        user_id=message.get("user_id"),
    )


def _error(data: dict[str, Any]) -> Note:
    code, message = data["code"], data["message"]
    return Note(f"error: {message}" if code is None else f"error {code}: {message}")
