"""Lets only signed requests through to what handles them."""

from __future__ import annotations

from asyncio import Future, shield
from typing import TYPE_CHECKING

from adapter.errors import Unavailable
from server.api.query import parse_query
from server.api.signature import authenticate
from server.apps.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from server.api.answers import Answer
    from server.api.call import Call
    from server.api.endpoint import Handler
    from server.api.query import Parameters, Query
    from server.api.signature import SignedRequest
    from server.apps import App, Directory

    SignedHandler = Callable[[Call, App, Parameters], Awaitable[Answer]]


class Authentication:
    """Finds out which application a request comes from.

    :param clock: seconds since 1970, to compare timestamps with.
    """

    def __init__(self, apps: Directory, clock: Callable[[], float]) -> None:
        self._apps = apps
        self._clock = clock

    def required(self, handler: SignedHandler) -> Handler:
        """Return a handler that refuses what isn't signed, and hands on the application and the query."""

        def handle(call: Call) -> Awaitable[Answer]:
            request = call.signed()
            query = parse_query(request.query)
            found = self._apps.by_key(query.values.get("auth_key", ""))
            if isinstance(found, Future):
                return self._wait(handler, call, request, query, found)
            return self._go_on(handler, call, request, query, found)

        return handle

    async def _wait(
        self, handler: SignedHandler, call: Call, request: SignedRequest, query: Query, future: Future[App | None]
    ) -> Answer:
        try:
            # Others wait for the same: whoever hangs up must not take it away from them.
            app = await shield(future)
        except StoreUnavailable as exc:
            raise Unavailable("applications can't be looked up just now") from exc
        return await self._go_on(handler, call, request, query, app)

    def _go_on(
        self, handler: SignedHandler, call: Call, request: SignedRequest, query: Query, app: App | None
    ) -> Awaitable[Answer]:
        app_id = call.scope["path_params"].get("app_id")
        app, query = authenticate(request, query, app, app_id=app_id, now=self._clock())
        return handler(call, app, query.parameters())
