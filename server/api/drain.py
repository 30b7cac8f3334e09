"""The operator's hand on the metrics port: ``POST /drain`` lets go of all clients, and the node stays."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from server.api.answers import json_answer
from server.api.errors import Forbidden, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.api.answers import Answer
    from server.api.call import Call
    from server.api.endpoint import Handler


def drain_handler(token: bytes | None, begin: Callable[[], dict[str, object]]) -> Handler:
    """Return what handles the request.

    :param token: what its bearer has to show; None if nobody may drain over HTTP.
    :param begin: begins the drain, or does nothing if it has begun, and says how it stands.
    """

    async def handle(call: Call) -> Answer:
        if token is None:
            raise Forbidden("Draining over HTTP is off: set drain_token (SHOAL_DRAIN_TOKEN)")
        scheme, _, given = call.header(b"authorization").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token):
            raise Unauthorized("Expected the header Authorization: Bearer <drain_token>")
        return json_answer(begin(), 202)

    return handle
