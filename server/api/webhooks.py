"""Failed webhook events, for operators: ``GET /webhooks/failed`` and ``POST /webhooks/retry`` on the metrics port.

Any node answers for all of them. ``?id=`` says which one is to be tried again, ``?all=1`` that all are.
"""

from __future__ import annotations

import time
from math import ceil
from typing import TYPE_CHECKING, Any

from adapter.base import app_of, name_of
from adapter.errors import Unavailable
from server.api.answers import json_answer, text_answer
from server.api.bearer import require_bearer
from server.api.errors import BadRequest
from server.api.query import parse_query

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapter.outbox import Buried, Outbox
    from server.api.answers import Answer
    from server.api.call import Call
    from server.api.endpoint import Handler

MOST_LISTED = 1_000
MOST_RETRIED = 100_000


_STARTING = text_answer("503 SERVICE UNAVAILABLE: this node is starting", 503, [(b"retry-after", b"1")])


def webhook_handlers(
    token: bytes | None,
    outbox: Outbox,
    *,
    is_starting: Callable[[], bool],
    clock: Callable[[], float] = time.time,
) -> tuple[Handler, Handler]:
    """Return what handles looking and trying again.

    :param token: what their bearer has to show; None if nobody may.
    :param is_starting: tells whether it is too early for that.
    :param clock: seconds since 1970.
    """

    async def list_failed(call: Call) -> Answer:
        require_bearer(call, token, "Looking at failed webhook events")
        if is_starting():
            return _STARTING
        try:
            letters = await outbox.buried(MOST_LISTED)
        except Unavailable as error:
            return _unavailable(error)
        now = clock()
        return json_answer({"failed": [_described(letter, now) for letter in letters]})

    async def retry(call: Call) -> Answer:
        require_bearer(call, token, "Trying webhook events again")
        if is_starting():
            return _STARTING
        asked = parse_query(str(call.scope["query_string"], "utf-8", "replace")).values
        if ("id" in asked) == (asked.get("all") == "1"):
            raise BadRequest("Say which one by ?id=, or ?all=1")
        try:
            ids = [asked["id"]] if "id" in asked else [letter.id for letter in await outbox.buried(MOST_RETRIED)]
            return json_answer({"retried": await outbox.retry(ids)})
        except Unavailable as error:
            return _unavailable(error)

    return list_failed, retry


def _described(letter: Buried, now: float) -> dict[str, Any]:
    return {
        "id": letter.id,
        "app": app_of(letter.notice.topic),
        "kind": letter.notice.kind,
        "channel": name_of(letter.notice.topic),
        "user_id": letter.notice.user,
        "age": round(max(0.0, now - letter.notice.at), 1),
        "failed": round(max(0.0, now - letter.at), 1),
        "why": letter.why,
    }


def _unavailable(error: Unavailable) -> Answer:
    seconds = max(1, ceil(error.retry_after))
    return text_answer(f"503 SERVICE UNAVAILABLE: {error}", 503, [(b"retry-after", b"%d" % seconds)])
