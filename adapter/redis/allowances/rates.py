"""What applications may spend a second in the whole cluster, by portions drawn from Redis (see `purse.py`).

Whoever finds its purse empty waits for the answer to one question to Redis, with all who come meanwhile. When Redis
has nothing left they are refused, and so is who comes in the next quarter of a second, without asking. While Redis is
away each node grants the even share of a node, so that together they stay within the limit.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from typing import TYPE_CHECKING

from adapter.bucket import Bucket
from adapter.redis.allowances.purse import REST, Purse
from adapter.redis.errors import LinkLost, Refusal

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Awaitable, Callable

    from adapter.base import Spent

    Draw = Callable[[str, str, int, int, int, int], Awaitable[tuple[int, float]]]

AWAY = 1.0
"""Seconds for which a node grants its even share, before it asks Redis again."""
ANSWER_TIMEOUT = 1.0
SWEEP = 60.0


class _Rate:
    """One allowance of one application, as this node sees it."""

    __slots__ = ("away_until", "purse", "share", "waiting")

    def __init__(self, purse: Purse, now: float) -> None:
        self.purse = purse
        # Who waits for what is being drawn: how much, and where the answer goes.
        self.waiting: deque[tuple[int, Future[Spent]]] = deque()
        # What is granted while Redis is away, and until when it is not asked.
        self.share = Bucket()
        self.away_until = now


class Rates:
    """The allowances that this node spends from.

    :param draw: draws from the allowance of (app id, what), given rate, least, needed and extra; returns how much it
        got, and what is missing then.
    :param nodes: tells how many nodes there are, this one included.
    """

    def __init__(self, draw: Draw, *, nodes: Callable[[], int]) -> None:
        self._draw = draw
        self._nodes = nodes
        self._loop = asyncio.get_running_loop()
        self._rates: dict[tuple[str, str], _Rate] = {}
        # Those for which somebody waits and no question is on its way.
        self._empty: dict[tuple[str, str], None] = {}
        self._has_empty = asyncio.Event()
        self._swept_at = self._loop.time()

    def spend(self, app_id: str, what: str, amount: int, rate: int) -> Future[Spent]:
        now, key = self._loop.time(), (app_id, what)
        known = self._rates.get(key) or self._rates.setdefault(key, _Rate(Purse(rate, now), now))
        purse = known.purse
        purse.rate = rate
        purse.note(amount, now)
        answer: Future[Spent] = self._loop.create_future()
        if known.waiting:
            known.waiting.append((amount, answer))
        elif purse.spend(amount, now):
            answer.set_result(purse.told(amount, is_granted=True, now=now))
        elif now < known.away_until:
            answer.set_result(known.share.spend(amount, rate / self._nodes(), now))
        elif now < purse.dry_until:
            answer.set_result(purse.told(amount, is_granted=False, now=now))
        else:
            known.waiting.append((amount, answer))
            self._empty[key] = None
            self._has_empty.set()
        return answer

    async def run(self) -> None:
        """Draw what is needed, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._has_empty.wait()
                self._has_empty.clear()
                empty, self._empty = self._empty, {}
                for key in empty:
                    # Each by itself: one application must not wait for the answers to all others.
                    tasks.create_task(self._fill(key, self._rates[key]))
                self._sweep()

    async def _fill(self, key: tuple[str, str], known: _Rate) -> None:
        """Draw until nobody waits."""
        while known.waiting:
            asked_at, asked, purse = self._loop.time(), len(known.waiting), known.purse
            first = known.waiting[0][0]
            least, needed, extra = purse.wishes(first, sum(amount for amount, _ in known.waiting), asked_at)
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT):
                    granted, missing = await self._draw(*key, purse.rate, least, needed, extra)
            except (LinkLost, Refusal, TimeoutError):
                known.away_until = self._loop.time() + AWAY
                self._share_out(known)
                return
            purse.drawn(granted, needed, missing, asked_at=asked_at, rest=REST * random.uniform(0.8, 1.2))
            # Who came meanwhile may have what is left. If there was too little, another question would be of no use.
            self._hand_out(known, at_least=asked if granted >= needed else len(known.waiting))

    def _hand_out(self, known: _Rate, *, at_least: int) -> None:
        """Answer those who wait, `at_least` so many of them also where the answer is no."""
        now = self._loop.time()
        while known.waiting:
            amount, answer = known.waiting[0]
            is_granted = answer.cancelled() or known.purse.spend(amount, now)
            if not is_granted and at_least <= 0:
                break
            at_least -= 1
            known.waiting.popleft()
            if not answer.cancelled():
                answer.set_result(known.purse.told(amount, is_granted=is_granted, now=now))

    def _share_out(self, known: _Rate) -> None:
        now, share = self._loop.time(), known.purse.rate / self._nodes()
        while known.waiting:
            amount, answer = known.waiting.popleft()
            if not answer.cancelled():
                answer.set_result(known.share.spend(amount, share, now))

    def _sweep(self) -> None:
        """Forget, once a minute, what nobody spends any more."""
        now = self._loop.time()
        if now - self._swept_at < SWEEP:
            return
        self._swept_at = now
        idle = [key for key, known in self._rates.items() if not known.waiting and known.purse.is_idle(now)]
        for key in idle:
            del self._rates[key]
