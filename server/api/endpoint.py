"""One path of the API as an ASGI application: reads a request, has it handled, answers whatever comes of it.

Plain ASGI, without middleware and without request and response objects: publishing is most of what a busy server is
asked for, and these would cost as much as the publishing.
"""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING

from adapter.errors import Unavailable
from server.api.answers import CRASHED, preflight, refusal, try_again
from server.api.call import Call, ClientGone, read_body
from server.api.errors import MethodNotAllowed, NotFound
from server.protocol.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from server.api.answers import Answer

    Handler = Callable[[Call], Awaitable[Answer]]
    Observe = Callable[[str, int, float], None]

logger = logging.getLogger(__name__)


class Endpoint:
    """What answers at one path.

    :param route: the path's template, by which requests are counted.
    :param handlers: what handles each method; none at all where nothing has that path.
    :param observe: told of each answer: route, status, seconds.
    """

    def __init__(self, route: str, handlers: Mapping[str, Handler], *, max_body_bytes: int, observe: Observe) -> None:
        self.route = route
        self.handlers = handlers
        self._max_body_bytes = max_body_bytes
        self._observe = observe
        self._preflight = preflight([*handlers, "OPTIONS"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        try:
            answer = await self._answer(scope, receive)
        except ClientGone:
            return
        await answer.send(send)
        self._observe(self.route, answer.status, perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        """Handle the request. Whatever goes wrong becomes an answer, and what is our fault a line in the log too."""
        try:
            if scope["method"] == "OPTIONS" and self.handlers:
                return self._preflight
            handler = self._handler(scope["method"])
            body = await read_body(receive, max_bytes=self._max_body_bytes)
            return await handler(Call(scope, body, perf_counter()))
        except ClientError as error:
            return refusal(error)
        except Unavailable as error:
            return try_again(error)
        except ClientGone:
            raise
        except Exception:
            logger.exception("%s %s failed", scope["method"], self.route)
            return CRASHED

    def _handler(self, method: str) -> Handler:
        # A HEAD is a GET whose body the server in front of this leaves out.
        handler = self.handlers.get("GET" if method == "HEAD" else method)
        if handler is not None:
            return handler
        if self.handlers:
            raise MethodNotAllowed([*self.handlers, "OPTIONS"])
        raise NotFound
