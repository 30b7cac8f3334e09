"""How many nodes do what: read now and then, for metrics only. `nodes` is exact, and asks each time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING

from adapter.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapter.base import NodeInfo
    from adapter.redis.stats import Stats

INTERVAL = 5.0
"""Seconds between two readings. Each takes some hundred bytes for each node, on each node."""


async def keep_counting(nodes: Callable[[], Awaitable[list[NodeInfo]]], stats: Stats) -> None:
    """Count the nodes, until cancelled. While Redis is away the last numbers stay."""
    while True:
        try:
            found = await nodes()
        except Unavailable:
            pass
        else:
            stats.nodes = Counter(node.state for node in found)
            stats.connections = sum(node.connections for node in found)
        await asyncio.sleep(INTERVAL * random.uniform(0.9, 1.1))
