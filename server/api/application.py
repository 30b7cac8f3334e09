"""The API as one ASGI application: which path leads where."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from starlette.routing import Route, Router

from server.api.authentication import Authentication
from server.api.channels import Channels
from server.api.endpoint import Endpoint
from server.api.errors import UpgradeRequired
from server.api.events import Events
from server.api.failures import Failures
from server.api.health import health_routes
from server.api.rates import Rates
from server.api.users import Users

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from adapter.base import Adapter
    from server.api.answers import Answer
    from server.api.authentication import SignedHandler
    from server.api.call import Call
    from server.api.endpoint import Handler
    from server.api.metrics import ApiMetrics
    from server.apps import Directory
    from server.config import Settings


_PUBLISHING = re.compile(r"/apps/(?P<app_id>[^/]+)/events")


class Api:
    """Leads each request to its endpoint.

    Starlette's router does it in a tenth of the time that a publish takes, and most requests publish: these are led
    past it.

    :ivar routes: all routes there are.
    """

    def __init__(self, routes: list[Route], *, publishing: Endpoint, nowhere: Endpoint) -> None:
        self.routes = routes
        self._router = Router(routes, redirect_slashes=False, default=nowhere)
        self._publishing = publishing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if match := _PUBLISHING.fullmatch(scope["path"]):
            scope["path_params"] = match.groupdict()
            await self._publishing(scope, receive, send)
        else:
            await self._router(scope, receive, send)


def create_api(
    *,
    apps: Directory,
    adapter: Adapter,
    settings: Settings,
    readiness: Callable[[], bool],
    draining: Callable[[], bool],
    metrics: ApiMetrics,
    clock: Callable[[], float] = time.time,
    steady_clock: Callable[[], float] = time.monotonic,
) -> Api:
    """Return the ASGI application that serves the API and the health checks.

    :param readiness: tells whether the node has started.
    :param draining: tells whether it is about to leave. The API goes on serving meanwhile.
    :param clock: seconds since 1970, to compare signatures' timestamps with.
    :param steady_clock: never goes back, to count failures by.
    """
    required = Authentication(apps, clock).required
    most_failures = settings.max_failed_requests_per_second_per_ip
    failures = None if most_failures is None else Failures(most_failures, metrics, steady_clock)

    def signed(handler: SignedHandler) -> Handler:
        return required(handler) if failures is None else failures.guarded(required(handler))

    def route(path: str, method: str, handler: SignedHandler) -> Route:
        return Route(path, endpoint(path, {method: signed(handler)}))

    def endpoint(path: str, handlers: dict[str, Handler]) -> Endpoint:
        return Endpoint(path, handlers, max_body_bytes=settings.max_body_bytes, observe=metrics.request)

    rates = Rates(adapter, metrics, clock)
    reading = rates.reading
    events = Events(adapter, rates, metrics, max_json_depth=settings.max_json_depth)
    channels = Channels(adapter)
    users = Users(adapter)
    app = "/apps/{app_id}"
    publishing = endpoint(f"{app}/events", {"POST": signed(events.publish)})
    routes = [
        # Tried in this order, so the busiest come first.
        Route(publishing.route, publishing),
        route(f"{app}/batch_events", "POST", events.publish_batch),
        route(f"{app}/channels", "GET", reading(channels.list_occupied)),
        route(f"{app}/channels/{{channel}}", "GET", reading(channels.describe)),
        route(f"{app}/channels/{{channel}}/users", "GET", reading(channels.list_users)),
        route(f"{app}/users/{{user_id}}/terminate_connections", "POST", users.terminate),
        # Pusher's library for Python leaves out the application here; its key says which it is.
        route("/users/{user_id}/terminate_connections", "POST", users.terminate),
        # Deprecated by Pusher, but cheap to have.
        route(f"{app}/channels/{{channel}}/events", "POST", events.publish_to_channel),
        route(f"{app}/channels/{{channel}}/stats", "GET", reading(channels.stats)),
        Route("/app/{key}", endpoint("/app/{key}", {"GET": _refuse_plain})),
        *health_routes(readiness=readiness, draining=draining, observe=metrics.request),
    ]
    return Api(routes, publishing=publishing, nowhere=endpoint("unmatched", {}))


async def _refuse_plain(call: Call) -> Answer:
    raise UpgradeRequired
