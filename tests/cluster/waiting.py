"""Waiting for what comes true by and by, and saying how long it took."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_PAUSE = 0.02
PATIENCE = 30.0
"""Seconds until what a test waits for is hopeless: for slow machines, never reached otherwise."""


async def eventually(condition: Callable[[], object | Awaitable[object]], what: str, within: float = PATIENCE) -> float:
    """Ask until `condition()` holds; return the seconds until it did.

    A condition that is not to be had just now, since a node doesn't answer, counts as one that doesn't hold.
    """
    started = time.monotonic()
    while not await _holds(condition):
        assert time.monotonic() - started < within, f"{what}: not within {within} s"
        await asyncio.sleep(_PAUSE)
    return time.monotonic() - started


async def _holds(condition: Callable[[], object | Awaitable[object]]) -> bool:
    try:
        answer = condition()
        return bool(await answer if inspect.isawaitable(answer) else answer)
    except (OSError, TimeoutError, AssertionError):
        return False
