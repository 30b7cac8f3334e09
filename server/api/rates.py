"""How much back ends may do in a second: what a request costs is taken from its application's allowance in the cluster.

The headers are those that most APIs, and Soketi, have: ``X-RateLimit-Limit``, ``-Remaining`` and ``-Reset``, the latter
a time as in Unix; client libraries and proxies know them. ``Retry-After`` is the one that says when to come back.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from server.api.errors import TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapter.base import Adapter, Spent
    from server.api.answers import Answer
    from server.api.authentication import SignedHandler
    from server.api.call import Call
    from server.api.cors import Header
    from server.api.metrics import ApiMetrics
    from server.api.query import Parameters
    from server.apps import App

EVENTS, READS = "events", "reads"
"""What may be limited: by these words adapters and metrics tell them apart."""


class Rates:
    """Takes what requests cost.

    :param clock: seconds since 1970.
    """

    def __init__(self, adapter: Adapter, metrics: ApiMetrics, clock: Callable[[], float]) -> None:
        self._adapter = adapter
        self._metrics = metrics
        self._clock = clock

    async def publish(self, app: App, rate: int, events: int) -> tuple[Header, ...]:
        """Take so many events, each to one channel; return the headers that tell what is left.

        :raises TooManyRequests: if there are less. Then none is taken.
        """
        text = (
            f"application {app.id} may publish {rate} events a second, one for each channel of each; these are {events}"
        )
        return await self._take(app, EVENTS, events, rate, text)

    def reading(self, handler: SignedHandler) -> SignedHandler:
        """Return a handler that takes one read before `handler` is asked."""

        def handle(call: Call, app: App, parameters: Parameters) -> Awaitable[Answer]:
            rate = app.max_reads_per_second
            if rate is None:
                return handler(call, app, parameters)
            return self._read(handler, call, app, parameters, rate)

        return handle

    async def _read(self, handler: SignedHandler, call: Call, app: App, parameters: Parameters, rate: int) -> Answer:
        left = await self._take(app, READS, 1, rate, f"application {app.id} may ask {rate} times a second")
        return (await handler(call, app, parameters)).with_headers(left)

    async def _take(self, app: App, what: str, amount: int, rate: int, text: str) -> tuple[Header, ...]:
        spent = await self._adapter.spend(app.id, what, amount, rate)
        headers = self._headers(rate, spent)
        if not spent.is_granted:
            self._metrics.limited(app.id, what)
            raise TooManyRequests(text, spent.wait, headers)
        return headers

    def _headers(self, rate: int, spent: Spent) -> tuple[Header, ...]:
        return (
            (b"x-ratelimit-limit", b"%d" % rate),
            (b"x-ratelimit-remaining", b"%d" % spent.remaining),
            (b"x-ratelimit-reset", b"%d" % ceil(self._clock() + spent.reset)),
        )
