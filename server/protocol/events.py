"""What the server says: each function returns one message as finished JSON text, in bytes.

In all of them `data` is a JSON *string*, but for ``pusher:error``, where it is an object: Swift's and .NET's clients
drop it otherwise, and drop the others if it isn't a string.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from server.protocol.strict_json import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

PING = b'{"event":"pusher:ping","data":"{}"}'
PONG = b'{"event":"pusher:pong","data":"{}"}'


def _text(value: object) -> bytes:
    """Encode a value twice: the JSON string that holds its JSON."""
    return encode(encode(value).decode())


def connection_established(socket_id: str, activity_timeout: float) -> bytes:
    # Socket ids are digits and a dot, so this template needs no encoder. Always the first message: it is on the path
    # of a wave of returning clients.
    return (
        '{"event":"pusher:connection_established",'
        f'"data":"{{\\"socket_id\\":\\"{socket_id}\\",\\"activity_timeout\\":{max(1, round(activity_timeout))}}}"}}'
    ).encode()


def error(message: str, code: int | None = None) -> bytes:
    return encode({"event": "pusher:error", "data": {"code": code, "message": message}})


def subscription_error(channel: str, message: str, *, kind: str = "AuthError", status: int = 401) -> bytes:
    data = {"type": kind, "error": message, "status": status}
    return encode({"event": "pusher:subscription_error", "channel": channel, "data": encode(data).decode()})


def subscription_succeeded(channel: str, presence: bytes = b"") -> bytes:
    """Confirm a subscription.

    :param presence: the roster, already escaped for a place inside a JSON string; empty where there is none.
    """
    data = b'{\\"presence\\":' + presence + b"}" if presence else b"{}"
    head = b'{"event":"pusher_internal:subscription_succeeded","channel":'
    return head + encode(channel) + b',"data":"' + data + b'"}'


def subscription_count(channel: str, count: int) -> bytes:
    head = b'{"event":"pusher_internal:subscription_count","channel":'
    return head + encode(channel) + b',"data":"{\\"subscription_count\\":%d}"}' % count


def member_added(channel: str, user_id: str, user_info: bytes) -> bytes:
    """Announce a member; `user_info` is the JSON of an object, or empty for none."""
    info = b',"user_info":' + user_info if user_info else b""
    data = b'{"user_id":' + encode(user_id) + info + b"}"
    return encode({"event": "pusher_internal:member_added", "channel": channel, "data": data.decode()})


def member_removed(channel: str, user_id: str) -> bytes:
    head = b'{"event":"pusher_internal:member_removed","channel":'
    return head + encode(channel) + b',"data":' + _text({"user_id": user_id}) + b"}"


def signin_success(user_data: str) -> bytes:
    return b'{"event":"pusher:signin_success","data":' + _text({"user_data": user_data}) + b"}"


def watchlist(*, online: Sequence[str] = (), offline: Sequence[str] = ()) -> bytes:
    """Tell which watched users are here and which aren't; a group without users is left out."""
    groups = [
        {"name": name, "user_ids": list(user_ids)}
        for name, user_ids in (("online", online), ("offline", offline))
        if user_ids
    ]
    return b'{"event":"pusher_internal:watchlist_events","data":' + _text({"events": groups}) + b"}"


def cache_miss(channel: str) -> bytes:
    # Java's client needs the data, though there is nothing to say.
    return b'{"event":"pusher:cache_miss","channel":' + encode(channel) + b',"data":"{}"}'


class _Event(msgspec.Struct, omit_defaults=True):
    """The envelope of what applications say: as a struct it takes one call to encode."""

    event: str
    channel: str
    data: str
    user_id: str | None = None


def application_event(channel: str, name: str, data: str) -> bytes:
    return encode(_Event(name, channel, data))


def client_event(channel: str, name: str, data: str, user_id: str | None) -> bytes:
    """Relay what a client sent; `user_id` is set on presence channels."""
    return encode(_Event(name, channel, data, user_id))
