"""What clients send, as bytes: made by the standard library alone, so that it agrees with nothing by accident."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from server.apps import App

KEY, SECRET = "app-key", "app-secret"
SOCKET_ID = "12.34"


def an_app(**settings: Any) -> App:
    """Return an application that allows client events; `settings` are more of its keys."""
    return App.model_validate({"id": "1", "key": KEY, "secret": SECRET, "client_events": True} | settings)


def signed(*parts: str) -> str:
    """Return the ``auth`` that the application's back end gives for these parts."""
    return f"{KEY}:{hmac.new(SECRET.encode(), ':'.join(parts).encode(), hashlib.sha256).hexdigest()}"


def message(event: str, **fields: Any) -> bytes:
    return json.dumps({"event": event} | fields).encode()


def subscribe(channel: str, *, socket_id: str = SOCKET_ID, user: dict[str, Any] | None = None) -> bytes:
    """Return a subscription, signed where the channel asks for it; as `user` (``user_id``, ``user_info``) if given."""
    data = {"channel": channel}
    if user is not None:
        data["channel_data"] = json.dumps(user)
    if channel.startswith(("private-", "presence-")):
        data["auth"] = signed(socket_id, channel, *([data["channel_data"]] if user is not None else []))
    return message("pusher:subscribe", data=data)


def unsubscribe(channel: str) -> bytes:
    return message("pusher:unsubscribe", data={"channel": channel})


def sign_in(user: dict[str, Any], *, socket_id: str = SOCKET_ID) -> bytes:
    text = json.dumps(user)
    return message("pusher:signin", data={"auth": signed(socket_id, "", "user", "", text), "user_data": text})


def client_event(channel: str, data: Any = "hello", *, event: str = "client-x") -> bytes:
    return message(event, channel=channel, data=data)


def read(payload: bytes) -> dict[str, Any]:
    """Return the envelope of one message."""
    envelope: dict[str, Any] = json.loads(payload)
    return envelope


def data_of(payload: bytes) -> Any:
    """Return what the data of one message says, which must be JSON in a string."""
    data = read(payload)["data"]
    assert isinstance(data, str), "clients drop an event whose data isn't a string"
    return json.loads(data)
