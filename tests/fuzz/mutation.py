"""Inputs that nobody should send: valid ones with something broken in them, and noise, from a seeded generator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, 1e308, "", " ", "\x00", "\ud800", "💥", "a" * 300, "pusher:", "client-",
    "private-", "presence-", "#server-to-user-", "__proto__", "constructor", [], {}, [[]], [None], {"": {}},
    {"channel": {"channel": []}}, ["private-x"], "null", "{}", "[]", '{"user_id":', '{"user_id":{}}',
    '{"user_id":"1","user_info":[]}', "k:", ":", "k:" + "0" * 64, "wrong:" + "f" * 64,
)  # fmt: skip

MESSAGES: tuple[dict[str, Any], ...] = (
    {"event": "pusher:ping", "data": {}},
    {"event": "pusher:pong", "data": {}},
    {"event": "pusher:subscribe", "data": {"channel": "news", "auth": ""}},
    {"event": "pusher:subscribe", "data": {"channel": "cache-news"}},
    {"event": "pusher:subscribe", "data": {"channel": "private-x", "auth": "k:0"}},
    {"event": "pusher:subscribe", "data": {"channel": "presence-x", "auth": "k:0", "channel_data": '{"user_id":"1"}'}},
    {"event": "pusher:unsubscribe", "data": {"channel": "news"}},
    {"event": "pusher:signin", "data": {"auth": "k:0", "user_data": '{"id":"1","watchlist":["2"]}'}},
    {"event": "client-x", "channel": "private-x", "data": {"a": 1}},
    {"event": "client-x", "channel": "news", "data": "text"},
)

PUBLICATIONS: tuple[dict[str, Any], ...] = (
    {"name": "e", "channels": ["news", "private-x"], "data": "{}"},
    {"name": "e", "channel": "cache-from-http", "data": "x", "socket_id": "1.1", "info": "subscription_count"},
    {"batch": [{"name": "e", "channel": "news", "data": "1"}, {"name": "f", "channel": "presence-x", "data": "2"}]},
    {"name": "e", "channels": ["#server-to-user-1"], "data": "{}", "idempotency_key": "once"},
)


def broken_text(random: Random, valid: tuple[dict[str, Any], ...]) -> bytes:
    """Return JSON, or what was JSON once."""
    message = random.choice(valid)
    return random.choice(_BREAKERS)(random, message)


def _with_odd_values(random: Random, message: dict[str, Any]) -> bytes:
    message = dict(message)
    for _ in range(random.randint(1, 3)):
        place = message
        if isinstance(message.get("data"), dict) and random.random() < 0.6:
            place = message["data"] = dict(message["data"])
        place[random.choice([*place, "event", "data", "channel", "extra"])] = random.choice(ODD_VALUES)
    return json.dumps(message).encode()


def _without_something(random: Random, message: dict[str, Any]) -> bytes:
    message = json.loads(json.dumps(message))
    place = message["data"] if isinstance(message.get("data"), dict) and random.random() < 0.6 else message
    if place:
        del place[random.choice(list(place))]
    return json.dumps(message).encode()


def _with_bytes_changed(random: Random, message: dict[str, Any]) -> bytes:
    text = bytearray(json.dumps(message).encode())
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(text) + 1)
        match random.randrange(3):
            case 0:
                text[at : at + random.randint(1, 8)] = b""
            case 1:
                text[at:at] = random.randbytes(random.randint(1, 4))
            case _:
                text[at : at + 1] = random.choice([b'"', b"{", b"}", b"[", b"]", b"\\", b"\x00", b"\xff", b"\\ud83d"])
    return bytes(text)


def _nested(random: Random, message: dict[str, Any]) -> bytes:
    depth = random.choice([30, 31, 32, 33, 40, 900, 5000])
    opening, closing = random.choice([(b"[", b"]"), (b'{"a":', b"}")])
    inner = opening * depth + b"1" + closing * depth
    return b'{"event":"%s","data":%s}' % (message.get("event", "e").encode(), inner)


def _encoded_twice(random: Random, message: dict[str, Any]) -> bytes:
    return json.dumps({**message, "data": json.dumps(message.get("data", random.choice(["{", "", "null"])))}).encode()


def _noise(random: Random, message: dict[str, Any]) -> bytes:
    return random.randbytes(random.randint(0, 200))


def _large(random: Random, message: dict[str, Any]) -> bytes:
    return json.dumps({**message, "padding": "x" * random.choice([10_300, 65_400, 70_000])}).encode()


_BREAKERS: tuple[Callable[[Random, dict[str, Any]], bytes], ...] = (
    *[_with_odd_values] * 6, *[_without_something] * 3, *[_with_bytes_changed] * 6, _nested, *[_encoded_twice] * 2,
    *[_noise] * 2, lambda random, message: json.dumps(message).encode(),
)  # fmt: skip


def large_text(random: Random, valid: tuple[dict[str, Any], ...]) -> bytes:
    """Return a message at, and beyond, the limits on its length."""
    return _large(random, random.choice(valid))
