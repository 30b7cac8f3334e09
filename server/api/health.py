"""Whether this node is alive, and whether it wants new clients: what load balancers and orchestrators ask.

``/livez`` says only that the process answers. ``/readyz`` says whether to send clients here: not before the node has
started, and not once it is about to leave. ``/`` is for health checks that know no path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from server.api.answers import text_answer
from server.api.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.api.answers import Answer
    from server.api.call import Call
    from server.api.endpoint import Handler, Observe

# Nobody has a reason to send one; this much is read to keep the connection usable.
_MAX_BODY_BYTES = 1024

_ALIVE = text_answer("OK")
_READY = text_answer("ready")
_STARTING = text_answer("not ready: starting", 503)
_DRAINING = text_answer("not ready: draining", 503)


def ignore(route: str, status: int, seconds: float) -> None:
    """Count nothing."""


def health_routes(
    *,
    readiness: Callable[[], bool],
    draining: Callable[[], bool],
    waiting_for: Callable[[], str] = lambda: "",
    observe: Observe = ignore,
) -> list[Route]:
    """Return the routes that tell how the node is; they need no signature.

    :param waiting_for: returns why it isn't ready yet, if there is more to say than that it is starting.
    """

    async def alive(call: Call) -> Answer:
        return _ALIVE

    async def ready(call: Call) -> Answer:
        if draining():
            return _DRAINING
        if readiness():
            return _READY
        why = waiting_for()
        return text_answer(f"not ready: starting: {why}", 503) if why else _STARTING

    return [_route(path, handler, observe) for path, handler in (("/", alive), ("/livez", alive), ("/readyz", ready))]


def _route(path: str, handler: Handler, observe: Observe) -> Route:
    return Route(path, Endpoint(path, {"GET": handler}, max_body_bytes=_MAX_BODY_BYTES, observe=observe))
