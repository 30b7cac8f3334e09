"""What a client says, from bytes to values: parsed once, here, and never looked at again.

Structs rather than dataclasses: one is made for each message, and a frozen dataclass takes six times as long to make.
"""

from __future__ import annotations

from typing import Any

import msgspec

from server.protocol import strict_json
from server.protocol.errors import Malformed
from server.protocol.names import CLIENT_EVENT_PREFIX


class Ping(msgspec.Struct, frozen=True):
    """Wants a pong."""


class Pong(msgspec.Struct, frozen=True):
    """Answers our ping."""


class Subscribe(msgspec.Struct, frozen=True):
    """Wants to join a channel."""

    channel: str
    auth: str = ""
    channel_data: str | None = None


class Unsubscribe(msgspec.Struct, frozen=True):
    """Wants to leave a channel."""

    channel: str


class SignIn(msgspec.Struct, frozen=True):
    """Says who it is."""

    auth: str
    user_data: str


class ClientEvent(msgspec.Struct, frozen=True):
    """Wants to tell something to the others in a channel."""

    channel: str
    event: str
    data: str
    """A string, whatever it was: some clients' libraries take nothing else as data."""


Message = Ping | Pong | Subscribe | Unsubscribe | SignIn | ClientEvent


def parse(raw: bytes | bytearray, *, max_depth: int = strict_json.MAX_DEPTH) -> Message:
    """Return the message that one text frame stands for.

    :raises Malformed: if it isn't one; the message is meant for the client's developer.
    """
    frame = strict_json.decode(raw, max_depth=max_depth)
    if not isinstance(frame, dict):
        raise Malformed("a message must be a JSON object")
    event = frame.get("event")
    if not isinstance(event, str):
        raise Malformed("a message must have an event, a string")
    if event.startswith(CLIENT_EVENT_PREFIX):
        return ClientEvent(_text(frame, "channel", event), event, _as_text(frame.get("data")))
    match event:
        case "pusher:ping":
            return Ping()
        case "pusher:pong":
            return Pong()
        case "pusher:subscribe":
            data = _data(frame, event, max_depth)
            channel_data = _text(data, "channel_data", event) if data.get("channel_data") is not None else None
            return Subscribe(_text(data, "channel", event), _optional_text(data, "auth", event), channel_data)
        case "pusher:unsubscribe":
            return Unsubscribe(_text(_data(frame, event, max_depth), "channel", event))
        case "pusher:signin":
            data = _data(frame, event, max_depth)
            return SignIn(_text(data, "auth", event), _text(data, "user_data", event))
        case _:
            raise Malformed(f"Unsupported event received on socket: {event[:200]}")


def _as_text(data: object) -> str:
    return data if isinstance(data, str) else strict_json.encode(data).decode()


def _data(frame: dict[str, Any], event: str, max_depth: int) -> dict[str, Any]:
    """Return the object in `data`; some clients send it encoded once more, as a string."""
    data = frame.get("data")
    if isinstance(data, str):
        data = strict_json.decode(data, max_depth=max_depth)
    if not isinstance(data, dict):
        raise Malformed(f"{event} must have data, an object")
    return data


def _text(data: dict[str, Any], name: str, event: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{event[:200]} must have {name}, a string")
    return value


def _optional_text(data: dict[str, Any], name: str, event: str) -> str:
    return "" if data.get(name) is None else _text(data, name, event)
