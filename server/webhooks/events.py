"""What a notice of the outbox is to a back end: Pusher's webhook events, as JSON. All values are scalars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapter.base import name_of

if TYPE_CHECKING:
    from adapter.outbox import Notice

TYPES = {
    "occupied": "channel_occupied",
    "vacated": "channel_vacated",
    "joined": "member_added",
    "left": "member_removed",
    "counted": "subscription_count",
    "client_event": "client_event",
    "cache_miss": "cache_miss",
}
"""By a notice's kind, the type of event. What a later release may have put into the outbox isn't in it."""

_encode = msgspec.json.encode


def channel_of(notice: Notice) -> str:
    return name_of(notice.topic)


def event_of(notice: Notice) -> bytes:
    """Return the event that a notice of a known kind is.

    :raises ValueError: if it isn't as this release writes them.
    """
    event: dict[str, str | int] = {"name": TYPES[notice.kind], "channel": channel_of(notice)}
    match notice.kind:
        case "joined" | "left":
            event["user_id"] = notice.user
        case "counted":
            event["subscription_count"] = int(notice.payload)
        case "client_event":
            event |= _client_event(notice.payload)
    return _encode(event)


class _Sent(msgspec.Struct):
    """A client event as subscribers get it."""

    event: str
    data: str
    user_id: str | None = None


_decode = msgspec.json.Decoder(_Sent).decode


def _client_event(payload: bytes) -> dict[str, str | int]:
    """Take apart what server/hub/notices.py has handed in."""
    socket_id, _, text = payload.partition(b"\n")
    try:
        sent = _decode(text)
    except msgspec.DecodeError as exc:
        raise ValueError(str(exc)) from exc
    fields: dict[str, str | int] = {"event": sent.event, "data": sent.data, "socket_id": socket_id.decode()}
    if sent.user_id is not None:
        fields["user_id"] = sent.user_id
    return fields
