"""Addresses whose requests fail authentication again and again: they are refused unseen for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.api.errors import TooManyRequests, Unauthorized
from server.throttle import Throttle, network_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.api.answers import Answer
    from server.api.call import Call
    from server.api.endpoint import Handler
    from server.api.metrics import ApiMetrics

BURST_SECONDS = 10
"""So many seconds' worth of failures may come at once: a back end with an old secret is no attack."""
FAILURES = "failures"


class Failures:
    """Counts failures by address and by the application that the path names, so that one doesn't spoil another's.

    :param now: a clock that never goes back.
    """

    def __init__(self, rate: int, metrics: ApiMetrics, now: Callable[[], float]) -> None:
        self._now = now
        self._rate = rate
        self._throttle = Throttle(rate, rate * BURST_SECONDS)
        self._metrics = metrics

    def guarded(self, handler: Handler) -> Handler:
        """Return a handler that asks `handler` only for who hasn't failed too often."""

        async def handle(call: Call) -> Answer:
            address = network_of(call.scope["client"][0])
            # Only a number of it is remembered: the name in the path may be as long as a request may be.
            who = hash((address, call.scope["path_params"].get("app_id")))
            if self._throttle.is_spent(who, self._now()):
                # The application may be anybody's invention, so it is no label.
                self._metrics.limited("", FAILURES)
                text = f"too many requests of {address} failed authentication, more than {self._rate} a second"
                raise TooManyRequests(text, 1.0)
            try:
                return await handler(call)
            except Unauthorized:
                self._throttle.spend(who, self._now())
                raise

        return handle
