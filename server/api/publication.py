"""What is to be published: one event, for one or more channels, as a request's fields describe it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from server.api.errors import BadRequest, TooLarge
from server.api.fields import optional_text, required_text
from server.api.info import parse_info
from server.protocol.names import RESERVED_EVENT_PREFIXES, parse_channel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from server.apps import App
    from server.protocol.names import Kind


class Publication(NamedTuple):
    """An event and who is to get it. All limits are kept."""

    name: str
    data: str
    channels: Mapping[str, Kind]
    """In the order in which they were named, each once."""
    socket_id: str
    """Who isn't to get it; empty for nobody. Any text will do: one that nobody has leaves out nobody."""
    info: frozenset[str]


def parse_publication(fields: Mapping[str, Any], app: App) -> Publication:
    """Return what ``POST /events`` is to publish.

    :raises ClientError: if something about it isn't allowed.
    """
    name = _parse_name(fields, app)
    channels = _parse_channels(_named_channels(fields, app), app)
    if len(channels) > 1 and any(kind.encrypted for kind in channels.values()):
        # One shared secret belongs to one channel: the other channels' subscribers couldn't read it.
        raise BadRequest("Cannot publish to multiple channels when one of them is encrypted")
    return _finish(fields, name, channels, app)


def parse_batch(fields: Mapping[str, Any], app: App) -> list[Publication]:
    """Return what ``POST /batch_events`` is to publish.

    :raises ClientError: if something about any of it isn't allowed.
    """
    items = fields.get("batch")
    if items is None:
        raise BadRequest("Missing required parameter: batch")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadRequest("Expected batch parameter to be an array of objects")
    if len(items) > app.max_batch_events:
        raise BadRequest(f"Batch too large ({len(items)} > {app.max_batch_events})")
    return [parse_for_one_channel(item, app) for item in items]


def parse_for_one_channel(fields: Mapping[str, Any], app: App) -> Publication:
    """Return what is to be published where only ``channel`` may say to whom.

    :raises ClientError: if something about it isn't allowed.
    """
    channels = _parse_channels([required_text(fields, "channel")], app)
    return _finish(fields, _parse_name(fields, app), channels, app)


def _finish(fields: Mapping[str, Any], name: str, channels: Mapping[str, Kind], app: App) -> Publication:
    return Publication(
        name=name,
        data=_parse_data(fields, app),
        channels=channels,
        socket_id=optional_text(fields, "socket_id"),
        info=parse_info(fields),
    )


def _parse_name(fields: Mapping[str, Any], app: App) -> str:
    name = required_text(fields, "name")
    if not name:
        raise BadRequest("Missing required parameter: name")
    if len(name) > app.max_event_name_length:
        raise BadRequest(f"Event name of {len(name)} characters, at most {app.max_event_name_length} are allowed")
    if name.startswith(RESERVED_EVENT_PREFIXES):
        raise BadRequest(f"Event names beginning with {' or '.join(RESERVED_EVENT_PREFIXES)} are reserved")
    return name


def _parse_data(fields: Mapping[str, Any], app: App) -> str:
    data = required_text(fields, "data")
    # Bytes are at least as many as characters, and counted only where they can make the difference.
    if len(data) > app.max_event_bytes or (not data.isascii() and len(data.encode()) > app.max_event_bytes):
        raise TooLarge(
            f"The data content of this event exceeds the allowed maximum ({app.max_event_bytes} bytes). "
            "See https://pusher.com/docs/channels/server_api/http-api#publishing-events for more info"
        )
    return data


def _named_channels(fields: Mapping[str, Any], app: App) -> list[Any]:
    """Return what is in ``channels`` and in ``channel``; libraries send the one or the other."""
    names = fields.get("channels")
    if names is None:
        return [required_text(fields, "channel")]
    if not isinstance(names, list):
        raise BadRequest("Expected channels parameter to be an array of strings")
    if fields.get("channel") is not None:
        names = [*names, fields["channel"]]
    if not names:
        raise BadRequest("Missing required parameter: channels")
    if len(names) > app.max_event_channels:
        raise BadRequest(f"Too many channels ({len(names)} > {app.max_event_channels})")
    return names


def _parse_channels(names: Sequence[Any], app: App) -> dict[str, Kind]:
    channels = {}
    for name in names:
        if not isinstance(name, str):
            raise BadRequest("Expected channels parameter to be an array of strings")
        channels[name] = parse_channel(name, max_length=app.max_channel_name_length)
    return channels
