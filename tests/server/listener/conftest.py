"""Every test of the listener runs on both event loops: their transports differ in the details it leans on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from server.listener import HttpLimits, Listener
from tests.server.listener.live import echo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from tests.server.listener.live import Listen


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Start listeners on free ports; limits are given as keywords. All are stopped at the end."""
    listeners: list[Listener] = []

    async def start(app: Any = echo, *, on_upgrade: Any = None, place: Any = None, **limits: Any) -> Listener:
        listener = Listener(app, on_upgrade=on_upgrade, limits=HttpLimits(**limits), **(place or {}))
        await listener.start()
        listeners.append(listener)
        return listener

    yield start
    for listener in listeners:
        await listener.stop(grace=0)
