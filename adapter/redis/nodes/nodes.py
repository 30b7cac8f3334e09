"""Which nodes there are, and which of them are dead.

Each node sends a beat to Redis each 2 seconds; Redis' clock says when, so that no node's own clock matters. One that
was not heard for 10 seconds is dead, and whoever notices cleans up after it (:mod:`adapter.redis.nodes.reaper`).

Nobody is fooled by Redis: after a restart, another primary, or a silence of everybody, nobody is declared dead and no
hold ends until beats have come in for the full 10 seconds again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import random
from typing import TYPE_CHECKING, Any

from adapter.base import NodeInfo
from adapter.redis.errors import LinkLost, Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from adapter.redis.nodes.identity import Identity
    from adapter.redis.stats import Stats

logger = logging.getLogger(__name__)

BEAT_INTERVAL = 2.0
DEAD_AFTER = 10.0
LATE_AFTER = 5.0
"""Seconds between two beats that show a disturbance."""


class Health:
    """Since when beats have come in regularly. Pure; all times are Redis' own."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._since = math.inf
        self._server = ""

    def silence(self) -> None:
        """Note that a beat was not answered."""
        self._since = math.inf

    def beat(self, now: float, server: str, ages: list[float]) -> None:
        """Note an answered beat.

        :param server: what is another one once another server, or another memory, answers.
        :param ages: how long ago each of the other nodes was heard.
        """
        if self._last is None:
            # This node is new. That others were heard just now says nothing of the seconds before: they may be the
            # first that came back from a disturbance. Only who is alone has nobody to wait for.
            self._since = now if ages else -math.inf
        elif not 0 <= now - self._last <= LATE_AFTER or server != self._server or self._since == math.inf:
            self._since = now
        self._last, self._server = now, server

    @property
    def has_begun(self) -> bool:
        return self._last is not None

    @property
    def is_good(self) -> bool:
        """Whether others may be declared dead, and holds may end."""
        return self._last is not None and self._last - self._since >= DEAD_AFTER


class Nodes:
    """The nodes of the cluster, as this one hears of them.

    :param beat: sends a beat with a text, and peers that are not to be forgotten; returns what scripts/beat.lua tells.
    :param describe: returns what this node says of itself.
    :param server: names the server and its memory.
    :param reap: cleans up after a dead node.
    :param on_beat: called after each beat.
    """

    def __init__(
        self,
        identity: Identity,
        stats: Stats,
        *,
        beat: Callable[[str, Iterable[str]], Awaitable[Any]],
        describe: Callable[[], dict[str, Any]],
        server: Callable[[], str],
        reap: Callable[[str], Awaitable[None]],
        on_beat: Callable[[], None],
    ) -> None:
        self._identity = identity
        self._stats = stats
        self._beat = beat
        self._describe = describe
        self._server = server
        self._reap = reap
        self._on_beat = on_beat
        self._has_news = asyncio.Event()
        # The boot under which this node was heard last.
        self._heard_as = ""
        self.health = Health()

    async def run(self) -> None:
        """Send beats, until cancelled."""
        while True:
            started = asyncio.get_running_loop().time()
            try:
                dead = await self.beat_once()
                for boot in dead:
                    await self._reap(boot)
            except (LinkLost, Refusal) as exc:
                logger.debug("no beat: %s", exc)
                self.health.silence()
            elapsed = asyncio.get_running_loop().time() - started
            await self._rest(max(0.1, BEAT_INTERVAL - elapsed) * random.uniform(0.95, 1.0))

    def beat_soon(self) -> None:
        """Send the next beat now: what this node says of itself has changed."""
        self._has_news.set()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._has_news.wait()
        except TimeoutError:
            pass
        self._has_news.clear()

    async def beat_once(self) -> list[str]:
        """Send a beat; return the boots that are dead and may be cleaned up after.

        :raises LinkLost: if Redis is away.
        """
        boot = self._identity.boot
        # What was known before this boot was heard may be old: who has signed off meanwhile is not to be missed.
        peers = self._identity.peers if boot == self._heard_as else ()
        is_alive, now, beats = await self._beat(json.dumps(self._describe()), peers)
        if not is_alive:
            self._identity.declared_dead(boot)
            return []
        self._heard_as = boot
        scores = iter(beats)
        ages = {other.decode(): float(now) - float(at) for other, at in zip(scores, scores, strict=True)}
        ages.pop(boot, None)
        self._identity.peers = {other for other, age in ages.items() if age < DEAD_AFTER}
        self.health.beat(float(now), self._server(), list(ages.values()))
        self._stats.late = sum(LATE_AFTER < age < DEAD_AFTER for age in ages.values())
        self._on_beat()
        if not self.health.is_good:
            return []
        dead = [other for other, age in ages.items() if age > DEAD_AFTER]
        # In any order, so that several nodes that notice at once don't all begin with the same.
        random.shuffle(dead)
        return dead


def read_nodes(now: float, beats: list[bytes], told: dict[str, str]) -> list[NodeInfo]:
    """Return the nodes that are alive, by what Redis holds of them."""
    scores = iter(beats)
    ages = {boot.decode(): max(0.0, now - float(at)) for boot, at in zip(scores, scores, strict=True)}
    return [_node(boot, age, json.loads(told.get(boot, "{}"))) for boot, age in ages.items() if age < DEAD_AFTER]


def _node(boot: str, age: float, told: dict[str, Any]) -> NodeInfo:
    return NodeInfo(
        name=told.get("name", ""),
        boot=boot,
        state=told.get("state", ""),
        version=told.get("version", ""),
        connections=told.get("connections", 0),
        age=age,
    )
