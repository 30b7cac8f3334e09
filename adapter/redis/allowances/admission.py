"""How many connections of each application this node may have, within the limit of the whole cluster.

A node leases places from Redis, some more than it needs, so that most connections are admitted without asking; where
the limit is small it asks for each, so that no place lies idle. While Redis is away connections are admitted beyond the
lease: a client that is sent away for a limit doesn't come back, and that would be the worse mistake.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from adapter.errors import AdapterError
from adapter.redis.errors import LinkLost, Refusal

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Awaitable, Callable

    Lease = Callable[[str, int, int], Awaitable[tuple[int, bool]]]

MOST_IDLE = 100
"""Places that a node keeps in reserve, at most."""
IDLE_SHARE = 64
"""Which part of the limit a node keeps in reserve: one of so many."""


class _App:
    """The connections of one application."""

    __slots__ = ("leased", "limit", "open", "waiting")

    def __init__(self) -> None:
        self.open = 0
        self.leased = 0
        # As last heard; None for any number.
        self.limit: int | None = None
        self.waiting: deque[Future[bool]] = deque()

    @property
    def needed(self) -> int:
        return self.open + len(self.waiting)


class Admission:
    """The connections of this node.

    :param lease: sets how many places the node has of an application, given its limit; returns how many it got, and
        whether another node that has some is leaving.
    :param patience: seconds for which a connection waits while Redis is away, before it is admitted anyway.
    """

    def __init__(self, lease: Lease, *, patience: float) -> None:
        self._lease = lease
        self._patience = patience
        self._apps: dict[str, _App] = {}
        # Whether places are given back as soon as they are free, and all that are in use are soon free.
        self.is_leaving = False
        self._unsettled: dict[str, None] = {}
        self._has_unsettled = asyncio.Event()

    @property
    def open(self) -> int:
        """How many connections there are, of all applications."""
        return sum(app.open for app in self._apps.values())

    @property
    def leased_apps(self) -> list[str]:
        return [app_id for app_id, app in self._apps.items() if app.leased]

    def admit(self, app_id: str, limit: int | None) -> Future[bool]:
        app = self._apps.get(app_id) or self._apps.setdefault(app_id, _App())
        app.limit = limit
        answer: Future[bool] = asyncio.get_running_loop().create_future()
        if limit is None or (not app.waiting and app.open < min(app.leased, limit)):
            app.open += 1
            answer.set_result(True)
        else:
            app.waiting.append(answer)
            self._settle_soon(app_id)
        return answer

    def discharge(self, app_id: str) -> None:
        app = self._apps.get(app_id)
        if app is None or app.open < 1:
            raise AdapterError(f"no connection of app {app_id!r} to take back")
        app.open -= 1
        self._settle_if_idle(app_id, app)

    def leave(self) -> None:
        """Keep no place from now on that isn't in use."""
        self.is_leaving = True
        self.renew()

    def renew(self) -> None:
        """Lease again what is in use: Redis may have lost it."""
        for app_id, app in self._apps.items():
            if app.leased or app.limit is not None:
                self._settle_soon(app_id)

    def _reserve(self, app: _App) -> int:
        return 0 if self.is_leaving else min(MOST_IDLE, (app.limit or 0) // IDLE_SHARE)

    def _settle_if_idle(self, app_id: str, app: _App) -> None:
        if app.leased > app.needed + 2 * self._reserve(app):
            self._settle_soon(app_id)

    def _settle_soon(self, app_id: str) -> None:
        self._unsettled[app_id] = None
        self._has_unsettled.set()

    async def run(self) -> None:
        """Lease what is needed, until cancelled."""
        while True:
            await self._has_unsettled.wait()
            self._has_unsettled.clear()
            unsettled, self._unsettled = self._unsettled, {}
            for app_id in unsettled:
                await self._settle(app_id, self._apps[app_id])

    async def _settle(self, app_id: str, app: _App) -> None:
        asked = len(app.waiting)
        wanted = 0 if app.limit is None else app.needed + self._reserve(app)
        try:
            async with asyncio.timeout(self._patience):
                app.leased, others_leave = await self._lease(app_id, wanted, app.limit or 0)
        except (LinkLost, Refusal, TimeoutError):
            self._answer(app, asked, most=None)
            return
        self._answer(app, asked, most=None if others_leave else app.leased)
        self._settle_if_idle(app_id, app)

    @staticmethod
    def _answer(app: _App, count: int, *, most: int | None) -> None:
        """Answer those who waited when it was asked; None for `most` admits them all."""
        for _ in range(count):
            answer = app.waiting.popleft()
            if answer.cancelled():
                continue
            is_admitted = most is None or app.open < most
            app.open += is_admitted
            answer.set_result(is_admitted)
