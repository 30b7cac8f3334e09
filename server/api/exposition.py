"""The metrics port: what Prometheus scrapes, the health checks once more, and what operators ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.routing import Route, Router

from server.api.answers import Answer
from server.api.endpoint import Endpoint
from server.api.health import health_routes, ignore

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from server.api.call import Call
    from server.api.endpoint import Handler

_MAX_BODY_BYTES = 1024

_Encoder = Callable[[Collector], bytes]


def create_metrics_app(
    *,
    readiness: Callable[[], bool],
    draining: Callable[[], bool],
    registry: CollectorRegistry,
    waiting_for: Callable[[], str] = lambda: "",
    drain: Handler | None = None,
    nodes: Handler | None = None,
    webhooks: tuple[Handler, Handler] | None = None,
) -> Router:
    """Return the ASGI application of the metrics port. Its own requests are not counted.

    :param waiting_for: see :func:`server.api.health.health_routes`.
    :param drain: handles ``POST /drain`` (:mod:`server.api.drain`); None where that path isn't wanted.
    :param nodes: handles ``GET /nodes`` (:mod:`server.api.nodes`); None likewise.
    :param webhooks: handle looking at failed webhook events and trying them again (:mod:`server.api.webhooks`).
    """

    async def expose(call: Call) -> Answer:
        encode, content_type = _choose(call.header(b"accept"))
        return Answer(200, encode(registry), content_type.encode())

    def route(path: str, handlers: dict[str, Handler]) -> Route:
        return Route(path, Endpoint(path, handlers, max_body_bytes=_MAX_BODY_BYTES, observe=ignore))

    health = health_routes(readiness=readiness, draining=draining, waiting_for=waiting_for)
    routes = [route("/metrics", {"GET": expose}), *health]
    if nodes is not None:
        routes.append(route("/nodes", {"GET": nodes}))
    if drain is not None:
        routes.append(route("/drain", {"POST": drain}))
    if webhooks is not None:
        look, retry = webhooks
        routes += [route("/webhooks/failed", {"GET": look}), route("/webhooks/retry", {"POST": retry})]
    nowhere = Endpoint("unmatched", {}, max_body_bytes=_MAX_BODY_BYTES, observe=ignore)
    return Router(routes, redirect_slashes=False, default=nowhere)


def _choose(accept: str) -> tuple[_Encoder, str]:
    """Return the format that the scraper asks for, Prometheus' or OpenMetrics', and what it is called."""
    try:
        return choose_encoder(accept)
    except TypeError:
        # The library stumbles over versions that aren't numbers. Whoever sends one gets what everybody can read.
        return choose_encoder("")
