"""The nodes of the cluster, for operators: ``GET /nodes`` on the metrics port. Any node answers for all of them."""

from __future__ import annotations

from dataclasses import asdict
from math import ceil
from typing import TYPE_CHECKING

from adapter.errors import Unavailable
from server.api.answers import json_answer, text_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapter.base import NodeInfo
    from server.api.answers import Answer
    from server.api.call import Call
    from server.api.endpoint import Handler

_STARTING = text_answer("503 SERVICE UNAVAILABLE: this node is starting", 503, [(b"retry-after", b"1")])


def nodes_handler(nodes: Callable[[], Awaitable[list[NodeInfo]]], *, is_starting: Callable[[], bool]) -> Handler:
    """Return what handles the request.

    :param nodes: asks the cluster; raises :class:`~adapter.errors.Unavailable` if it can't be asked.
    :param is_starting: tells whether it is too early for that.
    """

    async def handle(call: Call) -> Answer:
        if is_starting():
            return _STARTING
        try:
            found = await nodes()
        except Unavailable as error:
            seconds = max(1, ceil(error.retry_after))
            return text_answer(f"503 SERVICE UNAVAILABLE: {error}", 503, [(b"retry-after", b"%d" % seconds)])
        return json_answer({"nodes": [asdict(node) for node in sorted(found, key=lambda node: (node.name, node.boot))]})

    return handle
