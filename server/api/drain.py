"""The operator's hand on the metrics port: ``POST /drain`` lets go of all clients, and the node stays.

``POST /drain?within=25`` says that there are 25 seconds for that, as when the machine is about to be taken away.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Protocol

from server.api.answers import json_answer
from server.api.bearer import require_bearer
from server.api.errors import BadRequest
from server.api.query import parse_query

if TYPE_CHECKING:
    from server.api.answers import Answer
    from server.api.call import Call
    from server.api.endpoint import Handler


class Drain(Protocol):
    """Begins the drain, or does nothing if it has begun, and says how it stands."""

    def __call__(self, within: float | None) -> dict[str, object]:
        """:param within: seconds that there are for it, if that is known; the least that was ever said counts."""


def drain_handler(token: bytes | None, begin: Drain) -> Handler:
    """Return what handles the request.

    :param token: what its bearer has to show; None if nobody may drain over HTTP.
    """

    async def handle(call: Call) -> Answer:
        require_bearer(call, token, "Draining")
        return json_answer(begin(_seconds(call)), 202)

    return handle


def _seconds(call: Call) -> float | None:
    text = parse_query(str(call.scope["query_string"], "utf-8", "replace")).values.get("within")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not isfinite(seconds) or seconds < 0:
        raise BadRequest(f"within = {text[:40]!r} is no number of seconds")
    return seconds
