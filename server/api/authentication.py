"""Lets only signed requests through to what handles them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.api.signature import authenticate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from server.api.answers import Answer
    from server.api.call import Call
    from server.api.endpoint import Handler
    from server.api.query import Parameters
    from server.apps import App, Apps

    SignedHandler = Callable[[Call, App, Parameters], Awaitable[Answer]]


class Authentication:
    """Finds out which application a request comes from.

    :param clock: seconds since 1970, to compare timestamps with.
    """

    def __init__(self, apps: Apps, clock: Callable[[], float]) -> None:
        self._apps = apps
        self._clock = clock

    def required(self, handler: SignedHandler) -> Handler:
        """Return a handler that refuses what isn't signed, and hands on the application and the query."""

        def handle(call: Call) -> Awaitable[Answer]:
            app_id = call.scope["path_params"].get("app_id")
            app, query = authenticate(call.signed(), app_id=app_id, by_key=self._apps.by_key, now=self._clock())
            return handler(call, app, query.parameters())

        return handle
