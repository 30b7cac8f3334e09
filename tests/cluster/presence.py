"""Members of a presence channel on several nodes, and what they say of one another."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.cluster.api import Api
from tests.cluster.attendance import Account, check_account

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.cluster.history import Complaint
    from tests.cluster.observer import Crowd, Observer
    from tests.harness import RunningNode

CHANNEL = "presence-room"
_AT_ONCE = 50


async def join(crowd: Crowd, node: RunningNode, users: Iterable[str], channel: str = CHANNEL) -> list[Observer]:
    """Connect one observer for each user, and have all of them join."""
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def join_one(user: str) -> Observer:
        async with at_once:
            observer = await crowd.connect(node, user)
            await observer.subscribe(channel, user=user)
            return observer

    return list(await asyncio.gather(*map(join_one, users)))


def account_of(observer: Observer, channel: str = CHANNEL) -> Account:
    attendance = observer.attended[channel]
    return Account(observer.name, attendance.roster, attendance.changes)


def complaints(observers: Iterable[Observer], truth: set[str], channel: str = CHANNEL) -> list[Complaint]:
    """Return all that is wrong with what observers were told, who are still there."""
    return [found for observer in observers for found in check_account(account_of(observer, channel), truth)]


def all_know(observers: Sequence[Observer], truth: set[str], channel: str = CHANNEL) -> bool:
    """Tell whether each observer has joined, knows of all members, and of no other."""
    return all(channel in one.attended and one.attended[channel].present == truth for one in observers)


async def rosters(nodes: Iterable[RunningNode], channel: str = CHANNEL) -> list[set[str]]:
    """Return the members, as the API of each node tells them."""
    found = []
    for node in nodes:
        async with Api(node) as api:
            found.append(await api.users(channel))
    return found
