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
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
) -> ASGIApp:
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
    return _unreadable_for_pages(Router(routes, redirect_slashes=False, default=nowhere))


def _unreadable_for_pages(app: ASGIApp) -> ASGIApp:
    """Take back what lets pages read answers: an operator's browser reaches this port, and any page runs in it."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_unreadable(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [header for header in message["headers"] if not header[0].startswith(b"access-control-")]
                message = {**message, "headers": headers}
            await send(message)

        await app(scope, receive, send_unreadable)

    return serve


def _choose(accept: str) -> tuple[_Encoder, str]:
    """Return the format that the scraper asks for, Prometheus' or OpenMetrics', and what it is called."""
    try:
        return choose_encoder(accept)
    except TypeError:
        # The library stumbles over versions that aren't numbers. Whoever sends one gets what everybody can read.
        return choose_encoder("")
