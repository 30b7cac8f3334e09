"""What the API tells whoever counts."""

from __future__ import annotations

from typing import Protocol


class ApiMetrics(Protocol):
    """Told of each request. Called on the hot path: must be quick, and must not raise."""

    def request(self, route: str, status: int, seconds: float) -> None:
        """An answer was sent. `route` is one of the API's path templates, or ``unmatched``: there are few of them."""

    def published(self, app_id: str, seconds: float, events: int, size: int) -> None:
        """What a request published is accepted, `seconds` after the request was there.

        :param events: messages, one for each event and channel of it.
        :param size: bytes of these messages, together.
        """

    def limited(self, app_id: str, what: str) -> None:
        """A request was refused, for its application is over a rate: of what, says one of a few words."""
