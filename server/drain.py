"""How fast a leaving node lets go of its clients: in random order, no more a second than the others can take in."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from server.protocol import codes

if TYPE_CHECKING:
    from server.config import Settings
    from server.hub import Hub

TICK = 0.02
"""Seconds between two batches."""


def drain_rate(sockets: int, *, rate: float, longest: float) -> float:
    """Return the sockets a second to close: `rate`, or more where that would take longer than `longest` seconds."""
    return max(rate, sockets / longest) if longest else float("inf")


async def drain(hub: Hub, settings: Settings, hurry: asyncio.Event) -> None:
    """Close all connections with 4200, and wait until they are gone.

    :param hurry: once set, all that are left are closed at once.
    """
    clients = list(hub.clients.values())
    random.shuffle(clients)
    per_tick = drain_rate(len(clients), rate=settings.drain_rate, longest=settings.drain_max) * TICK
    allowance = 1.0
    while clients:
        if hurry.is_set():
            allowance = float("inf")
        while clients and allowance >= 1.0:
            hub.close(clients.pop(), codes.SERVER_LEAVING)
            allowance -= 1.0
        if clients:
            await _wait(hurry, TICK)
            allowance += per_tick
    # Those that came while others were closed: handshakes are turned away by now, so these are few.
    for client in list(hub.clients.values()):
        hub.close(client, codes.SERVER_LEAVING)
    await _until_closed(hub, 1.0 if hurry.is_set() else settings.abort_timeout + 1.0)


async def _until_closed(hub: Hub, patience: float) -> None:
    """Wait for the close handshakes; the sweeps cut off who doesn't answer."""
    try:
        async with asyncio.timeout(patience):
            await hub.wait_closed()
    except TimeoutError:
        return


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(None if event.is_set() else seconds):
            await event.wait()
    except TimeoutError:
        return
