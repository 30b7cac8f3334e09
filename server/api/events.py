"""Publishing: ``POST /events``, ``/batch_events``, and the form that came before them."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from adapter.base import topic_of
from server.api.answers import ACCEPTED, EMPTY, json_answer
from server.api.errors import BadRequest
from server.api.fields import parse_fields, parse_idempotency_key
from server.api.info import counts
from server.api.publication import parse_batch, parse_for_one_channel, parse_publication
from server.protocol.events import application_event

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Sequence

    from adapter.base import Adapter
    from server.api.answers import Answer
    from server.api.call import Call
    from server.api.cors import Header
    from server.api.metrics import ApiMetrics
    from server.api.publication import Publication
    from server.api.query import Parameters
    from server.api.rates import Rates
    from server.apps import App


class Events:
    """Publishes what requests contain: all of it is checked before any of it is sent."""

    def __init__(self, adapter: Adapter, rates: Rates, metrics: ApiMetrics, *, max_json_depth: int) -> None:
        self._adapter = adapter
        self._rates = rates
        self._metrics = metrics
        self._max_json_depth = max_json_depth

    async def publish(self, call: Call, app: App, parameters: Parameters) -> Answer:
        """Publish one event to one or more channels."""
        fields = parse_fields(call.body, parameters, max_depth=self._max_json_depth)
        publication = parse_publication(fields, app)
        key = parse_idempotency_key(fields, call.header(b"idempotency-key"))
        left = await self._accept(call, app, [publication], key)
        if not publication.info:
            return EMPTY.with_headers(left)
        (attributes,) = await self._describe(app, [publication])
        return json_answer({"channels": attributes}).with_headers(left)

    async def publish_batch(self, call: Call, app: App, parameters: Parameters) -> Answer:
        """Publish several events, each to its channel."""
        fields = parse_fields(call.body, parameters, max_depth=self._max_json_depth)
        publications = parse_batch(fields, app)
        key = parse_idempotency_key(fields, call.header(b"idempotency-key"))
        left = await self._accept(call, app, publications, key)
        if not any(publication.info for publication in publications):
            return EMPTY.with_headers(left)
        # One item for each event, in their order; an empty one for those that asked for nothing.
        described = await self._describe(app, publications)
        answer = json_answer({"batch": [next(iter(attributes.values())) for attributes in described]})
        return answer.with_headers(left)

    async def publish_to_channel(self, call: Call, app: App, parameters: Parameters) -> Answer:
        """Publish the body as it is, in the deprecated way: everything else is in the path and in the query."""
        try:
            data = call.body.decode()
        except UnicodeDecodeError as error:
            raise BadRequest(f"Expected the body to be UTF-8: {error}") from error
        fields = {**parameters, "channel": call.path_parameter("channel"), "data": data}
        key = parse_idempotency_key(fields, call.header(b"idempotency-key"))
        left = await self._accept(call, app, [parse_for_one_channel(fields, app)], key)
        return ACCEPTED.with_headers(left)

    async def _accept(self, call: Call, app: App, publications: Sequence[Publication], key: str) -> tuple[Header, ...]:
        """Publish everything and wait until it can't be lost any more; return headers that tell what is left of a rate.

        :raises TooManyRequests: if the application is over its rate. Then nothing was published.
        """
        left: tuple[Header, ...] = ()
        if (rate := app.max_backend_events_per_second) is not None:
            left = await self._rates.publish(app, rate, sum(len(item.channels) for item in publications))
        futures: list[Future[None]] = []
        size = 0
        # No await in here: the order of the calls is the order of the events.
        for index, publication in enumerate(publications):
            once = f"{key}/{index}" if key else ""
            for channel, kind in publication.channels.items():
                payload = application_event(channel, publication.name, publication.data)
                size += len(payload)
                futures.append(
                    self._adapter.publish(
                        topic_of(app.id, channel),
                        payload,
                        sender=publication.socket_id,
                        remember=app.cache_ttl if kind.cache else 0.0,
                        once=once,
                    )
                )
        if pending := [future for future in futures if not future.done()]:
            # Unlike gather, this leaves them alone when it is cancelled: what was begun may still be accepted.
            await asyncio.wait(pending)
        _raise_first_error(futures)
        self._metrics.published(app.id, perf_counter() - call.started, len(futures), size)
        return left

    async def _describe(self, app: App, publications: Sequence[Publication]) -> list[dict[str, dict[str, int]]]:
        """Return, for each event, the numbers asked for by channel. What a channel doesn't have is left out."""
        topics = [topic_of(app.id, channel) for publication in publications for channel in publication.channels]
        # One question, whatever the number of events.
        found = iter(await self._adapter.describe(topics))
        return [
            {channel: counts(kind, next(found), publication.info) for channel, kind in publication.channels.items()}
            for publication in publications
        ]


def _raise_first_error(futures: Sequence[Future[None]]) -> None:
    # Each is asked, so that asyncio doesn't complain of errors that nobody looked at.
    errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        raise errors[0]
