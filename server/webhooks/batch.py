"""One request to an endpoint, from its first attempt to its last. Sans-I/O.

Its bytes are made once: whoever gets it twice gets the same, with the same ids.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapter.outbox import Notice
    from server.webhooks.endpoints import Endpoint

IDS_HEADER = "X-Shoal-Event-Ids"


@dataclass(slots=True, eq=False)
class Pending:
    """An event that an endpoint is to be told."""

    notice: Notice
    event: bytes
    happened_at: float
    """By the node's clock; so is the next."""
    came_at: float = 0.0
    """When it came here."""


class Batch:
    """Events that an endpoint is told in one request."""

    __slots__ = ("attempts", "body", "endpoint", "happened_at", "ids", "notices")

    def __init__(self, endpoint: Endpoint, events: Sequence[Pending]) -> None:
        self.endpoint = endpoint
        self.notices = [pending.notice for pending in events]
        self.happened_at = min(pending.happened_at for pending in events)
        time_ms = round(min(notice.at for notice in self.notices) * 1000)
        listed = b",".join(pending.event for pending in events)
        self.body = b'{"time_ms":%d,"events":[%b]}' % (time_ms, listed)
        self.ids = ",".join(notice.id for notice in self.notices)
        # How often it was sent.
        self.attempts = 0

    def headers(self, key: str, secret: bytes, more: Mapping[str, str]) -> dict[str, str]:
        """Return what is sent with it; the application's own headers don't replace the others."""
        return {
            **more,
            # Exactly this: libraries compare it as text.
            "Content-Type": "application/json",
            "X-Pusher-Key": key,
            "X-Pusher-Signature": hmac.new(secret, self.body, sha256).hexdigest(),
            IDS_HEADER: self.ids,
        }
