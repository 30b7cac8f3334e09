"""The HTTP stack with nothing behind it: uvicorn and Starlette answer `{}`. The yardstick of a publish.

Usage: `python -m bench.bare PORT`.
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def _answer(request: Request) -> Response:
    await request.body()
    return Response(b"{}", media_type="application/json")


def main(port: int) -> None:
    """Serve until ended."""
    routes = [Route("/", _answer), Route("/apps/{app_id}/events", _answer, methods=["POST"])]
    app = Starlette(routes=routes)
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", lifespan="off", access_log=False, log_level="error")


if __name__ == "__main__":
    main(int(sys.argv[1]))
