"""Looking at channels: ``GET /channels`` and what is below it."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from adapter.base import topic_of
from server.api.answers import json_answer
from server.api.errors import BadRequest
from server.api.fields import optional_text
from server.api.info import COUNTS, counts, parse_info
from server.protocol.names import parse_channel
from server.protocol.strict_json import decode

if TYPE_CHECKING:
    from collections.abc import Set

    from adapter.base import Adapter, Remembered
    from server.api.answers import Answer
    from server.api.call import Call
    from server.api.query import Parameters
    from server.apps import App
    from server.protocol.names import Kind

_PRESENCE = "presence-"


class Channels:
    """Answers from the state that nodes share, never from this node's own connections."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    async def list_occupied(self, call: Call, app: App, parameters: Parameters) -> Answer:
        """List the occupied channels. Signed-in users' own are nobody's business: only their user knows them."""
        prefix = optional_text(parameters, "filter_by_prefix")
        info = parse_info(parameters, COUNTS)
        if "user_count" in info and not prefix.startswith(_PRESENCE):
            # The misspelling is Pusher's own; its clients' tests compare the sentence.
            raise BadRequest(
                "user_count may only be requested for presence channels"
                " - please supply filter_by_prefix begining with presence-"
            )
        occupied = await self._adapter.occupied_topics(app.id, prefix)
        listed = {
            name: counts(parse_channel(name, max_length=len(name)), occupancy, info)
            for name, occupancy in occupied.items()
            if not name.startswith("#")
        }
        return json_answer({"channels": listed})

    async def describe(self, call: Call, app: App, parameters: Parameters) -> Answer:
        """Describe one channel. Asking for what it can't have is an error here."""
        name, kind = _channel(call, app)
        info = parse_info(parameters)
        _check_applicable(kind, info)
        topic = topic_of(app.id, name)
        (occupancy,) = await self._adapter.describe([topic])
        attributes: dict[str, Any] = {"occupied": occupancy.occupied, **counts(kind, occupancy, info)}
        if "cache" in info:
            attributes["cache"] = _cached(await self._adapter.remembered(topic))
        return json_answer(attributes)

    async def list_users(self, call: Call, app: App, parameters: Parameters) -> Answer:
        """List the members of a presence channel."""
        name, kind = _channel(call, app)
        if not kind.presence:
            raise BadRequest("Users can only be retrieved for presence channels")
        members = await self._adapter.members(topic_of(app.id, name))
        return json_answer({"users": [{"id": user_id} for user_id in members]})

    async def stats(self, call: Call, app: App, parameters: Parameters) -> Answer:
        """Describe one channel in the deprecated way: always with all numbers."""
        name, _ = _channel(call, app)
        (occupancy,) = await self._adapter.describe([topic_of(app.id, name)])
        return json_answer(
            {
                "occupied": occupancy.occupied,
                "user_count": occupancy.members,
                "connection_count": occupancy.subscriptions,
            }
        )


def _channel(call: Call, app: App) -> tuple[str, Kind]:
    name = call.path_parameter("channel")
    return name, parse_channel(name, max_length=app.max_channel_name_length)


def _check_applicable(kind: Kind, info: Set[str]) -> None:
    if "user_count" in info and not kind.presence:
        raise BadRequest("Cannot retrieve the user count unless the channel is a presence channel")
    if "cache" in info and not kind.cache:
        raise BadRequest("Cannot retrieve the cache unless the channel is a cache channel")


def _cached(remembered: Remembered | None) -> dict[str, Any] | None:
    """Return a cache channel's event as the API shows it. Rounded up: what is still there has not expired."""
    if remembered is None:
        return None
    return {"data": decode(remembered.payload)["data"], "ttl": ceil(remembered.ttl)}
