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
        self.methods = tuple(handlers)
        self._handlers = dict(handlers)
        if handlers:
            self._handlers["OPTIONS"] = _preflight_handler(preflight([*handlers, "OPTIONS"]))
        if "GET" in handlers:
            # Its body is left out by the server in front of this.
            self._handlers["HEAD"] = handlers["GET"]
        self._max_body_bytes = max_body_bytes
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        try:
            handler = self._handlers.get(scope["method"]) or self._refuse_method()
            body = await read_body(receive, max_bytes=self._max_body_bytes)
            answer = await handler(Call(scope, body, perf_counter()))
        except ClientGone:
            return
        except Exception as error:
            answer = self._explain(error, scope["method"])
        await send(answer.head)
        await send(answer.body)
        self._observe(self.route, answer.status, perf_counter() - started)

    def _refuse_method(self) -> Handler:
        raise MethodNotAllowed([*self.methods, "OPTIONS"]) if self.methods else NotFound()

    def _explain(self, error: Exception, method: str) -> Answer:
        """Turn what went wrong into an answer, and what is our fault into a line of the log too."""
        match error:
            case ClientError():
                return refusal(error)
            case Unavailable():
                return try_again(error)
            case _:
                logger.error("%s %s failed", method, self.route, exc_info=error)
                return CRASHED


def _preflight_handler(answer: Answer) -> Handler:
    async def handle(call: Call) -> Answer:
        return answer

    return handle
