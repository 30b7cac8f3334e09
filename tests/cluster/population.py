"""Users with several tabs on several nodes, who come and go as they like; and watchers, who stay and take notes."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.cluster.attendance import check_account
from tests.cluster.history import Complaint
from tests.cluster.observer import Observer
from tests.cluster.presence import CHANNEL, account_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.cluster.nodes import Cluster, Member

WATCHERS = 2
"""On each node."""
_ABSENT, _PRESENT = 3.0, 4.0
"""Mean seconds between two visits of a tab, and of each."""
_PAUSE = 0.3
_DEATH_SHOWS = 1.0
"""Seconds in which a killed process is known to be dead."""


@dataclass(eq=False)
class Tab:
    """One place from which a user visits again and again."""

    user: str
    member: Member
    chance: random.Random
    stays: bool = False
    """A watcher's: it comes back at once, and never leaves."""
    observer: Observer | None = field(default=None, init=False)


class Population:
    """All of them, from :meth:`begin` to :meth:`settle`."""

    def __init__(self, cluster: Cluster, *, users: int, tabs: int, seed: int) -> None:
        chance = random.Random(seed)
        self._tabs = [
            Tab(f"user-{user}", member, random.Random(chance.random()))
            for user in range(users)
            for member in cluster.members
            for _ in range(tabs)
        ]
        self._tabs += [
            Tab(f"watcher-{member.name}{number}", member, random.Random(chance.random()), stays=True)
            for member in cluster.members
            for number in range(WATCHERS)
        ]
        self._is_over = asyncio.Event()
        self.complaints: list[Complaint] = []
        self.visits = 0
        # Transitions that somebody was told of.
        self.told = 0
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Have everybody come and go."""
        self._tasks = [asyncio.create_task(self._live(tab)) for tab in self._tabs]

    async def settle(self) -> None:
        """Let everybody stay where they are, or away; watchers are there."""
        self._is_over.set()
        await asyncio.gather(*self._tasks)

    def truth(self) -> set[str]:
        """Return who is there."""
        return {tab.user for tab in self._tabs if tab.observer is not None and tab.observer.is_open}

    @property
    def present(self) -> list[Observer]:
        """Those who are there, each of which takes notes."""
        return [tab.observer for tab in self._tabs if tab.observer is not None and tab.observer.is_open]

    def judge_present(self) -> None:
        """Compare what everybody was told who is still there with the truth."""
        truth = self.truth()
        for observer in self.present:
            if CHANNEL not in observer.attended:
                self.complaints.append(Complaint("never confirmed", observer.name, str(observer.errors)))
            self._judge(observer, truth)

    def judge_rosters(self, rosters: Iterable[set[str]]) -> None:
        """Compare what nodes' APIs tell with the truth."""
        truth = self.truth()
        for roster, name in zip(rosters, "ABCDEFGH", strict=False):
            self.complaints += [Complaint("ghost", f"API of {name}", user) for user in sorted(roster - truth)]
            self.complaints += [Complaint("missing", f"API of {name}", user) for user in sorted(truth - roster)]

    def _judge(self, observer: Observer, truth: set[str] | None) -> None:
        if CHANNEL in observer.attended:
            account = account_of(observer)
            self.told += len(account.changes)
            self.complaints += check_account(account, truth)

    # One tab

    async def _live(self, tab: Tab) -> None:
        while not self._is_over.is_set() or tab.stays:
            if not tab.stays:
                await self._wait(tab.chance.expovariate(1 / _ABSENT))
                if self._is_over.is_set():
                    return
            if await self._come(tab):
                await self._stay(tab)
            else:
                await self._wait(_PAUSE)
            if self._is_over.is_set() and tab.observer is not None:
                return

    async def _come(self, tab: Tab) -> bool:
        """Connect and ask to join; False if the node is dead, or dies."""
        node = tab.member.node
        try:
            tab.observer = await Observer.connect(node, f"{tab.user} on {tab.member.name}")
        except OSError as exc:
            await self._expect_death(tab, node.pid, str(exc))
            return False
        tab.observer.ask_to_subscribe(CHANNEL, user=tab.user)
        self.visits += 1
        return True

    async def _stay(self, tab: Tab) -> None:
        """Be there for a while, and go one way or another; or be lost with the node."""
        observer, node = tab.observer, tab.member.node
        assert observer is not None, "has come"
        for_long = None if tab.stays else tab.chance.expovariate(1 / _PRESENT)
        await self._wait(for_long, observer)
        if not observer.is_open:
            await self._expect_death(tab, node.pid, f"closed with {observer.code}")
        elif self._is_over.is_set():
            return
        else:
            await self._go(tab, observer)
        self._judge(observer, None)
        tab.observer = None

    @staticmethod
    async def _go(tab: Tab, observer: Observer) -> None:
        match tab.chance.choice(("close", "drop", "unsubscribe")):
            case "close":
                observer.wire.close()
            case "drop":
                observer.drop()
            case _:
                observer.send("pusher:unsubscribe", {"channel": CHANNEL})
                observer.wire.close()
        await observer.wire.closed

    async def _expect_death(self, tab: Tab, pid: int, how: str) -> None:
        """Complain if a connection is lost whose node goes on."""
        await asyncio.sleep(_DEATH_SHOWS)
        if tab.member.node.pid == pid and tab.member.node.is_running:
            self.complaints.append(Complaint("connection lost", f"{tab.user} on {tab.member.name}", how))

    async def _wait(self, seconds: float | None, observer: Observer | None = None) -> None:
        """Wait for so long, or until it is over, or until the connection is."""
        over = asyncio.create_task(self._is_over.wait())
        waits: set[asyncio.Future[Any]] = {over, observer.wire.closed} if observer else {over}
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()

    async def leave(self) -> None:
        """End all connections."""
        for observer in self.present:
            observer.drop()
            await observer.wire.closed
