"""What clients and back ends sign with the app's secret, made ahead of the run."""

import hashlib
import hmac
import json
import time
from collections.abc import Sequence

APP_ID = "app-id"
APP_KEY = "app-key"
APP_SECRET = "app-secret"  # the demo app's, known to everybody


def _sign(text: str) -> str:
    return hmac.new(APP_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


def numbered_data(number: int, size: int) -> str:
    """Return event data of a size in bytes that begins with the number by which the load generator knows it."""
    return f"#{number:08d}".ljust(size, "x")


def publish_request(channel: str, data: str) -> str:
    """Return a whole HTTP request that publishes an event; servers take it for ten minutes."""
    body = json.dumps({"name": "bench", "channels": [channel], "data": data})
    path = f"/apps/{APP_ID}/events"
    digest = hashlib.md5(body.encode()).hexdigest()
    query = f"auth_key={APP_KEY}&auth_timestamp={int(time.time())}&auth_version=1.0&body_md5={digest}"
    signature = _sign(f"POST\n{path}\n{query}")
    return (
        f"POST {path}?{query}&auth_signature={signature} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


def publish_requests(channels: Sequence[str], *, count: int, data_bytes: int) -> list[str]:
    """Return requests that publish to the channels in turn, their data numbered from 0."""
    return [publish_request(channels[i % len(channels)], numbered_data(i, data_bytes)) for i in range(count)]


def private_subscription(socket_id: str, channel: str) -> str:
    """Return the message with which a client joins a private channel."""
    return _subscription({"channel": channel, "auth": f"{APP_KEY}:{_sign(f'{socket_id}:{channel}')}"})


def presence_subscription(socket_id: str, channel: str, user_id: str) -> str:
    """Return the message with which a client joins a presence channel as a user with a name."""
    member = json.dumps({"user_id": user_id, "user_info": {"name": f"Member {user_id}"}})
    auth = f"{APP_KEY}:{_sign(f'{socket_id}:{channel}:{member}')}"
    return _subscription({"channel": channel, "auth": auth, "channel_data": member})


def client_event(channel: str, data: str) -> str:
    """Return the message with which a client talks to the other members of its channel."""
    return json.dumps({"event": "client-bench", "channel": channel, "data": data})


def _subscription(data: dict[str, str]) -> str:
    return json.dumps({"event": "pusher:subscribe", "data": data})
