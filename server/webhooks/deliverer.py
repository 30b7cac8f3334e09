"""Delivers webhooks: takes notices out of the outbox, sends them, and tells the outbox what became of them.

    outbox ──take──▶ Ledger ──next──▶ Sender ──▶ endpoints
       ▲                │ ▲             │
       └── done, postpone, bury ◀───────┘

Two tasks for the node, and one for each request under way, of which there is a bound. Nothing else waits for them.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, assert_never
from urllib.parse import urlsplit

from adapter.base import app_of
from server.apps.errors import AppUnusable, StoreUnavailable
from server.webhooks.counts import DeliveryNumbers
from server.webhooks.endpoints import headers_for
from server.webhooks.ledger import Bury, Done, Ledger, Postpone
from server.webhooks.line import A_MOMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from adapter.outbox import Notice, Outbox
    from server.apps import App, Directory
    from server.webhooks.batch import Batch
    from server.webhooks.ledger import Effect
    from server.webhooks.options import DeliveryOptions
    from server.webhooks.sender import Sender

logger = logging.getLogger(__name__)

TAKE_AT_ONCE = 500
MOST_IN_HAND = 20_000
"""Notices that a node has in hand; the others stay in the outbox. At some hundred bytes each that is some MiB."""
UNKNOWN_APP = 5.0
"""Seconds for which a notice stays in the outbox whose application nobody can tell just now."""


class Deliverer:
    """A node's deliveries."""

    def __init__(
        self,
        outbox: Outbox,
        apps: Directory,
        options: DeliveryOptions,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.numbers = DeliveryNumbers()
        self._outbox = outbox
        self._apps = apps
        self._options = options
        self._clock = clock
        self._ledger = Ledger(options, chance=random.random)
        # Set when the ledger may have a batch to be sent, and when it may have room or be empty.
        self._has_news = asyncio.Event()
        self._has_less = asyncio.Event()
        self._taking: asyncio.Task[None] | None = None
        # Nothing more is taken, and what isn't under way is left to others where there can be any.
        self._is_ending = False
        # Before that no application is asked for that isn't known here: the store of applications didn't answer.
        self._ask_again_at = -math.inf

    @property
    def in_hand(self) -> int:
        """How many notices this node has taken and not yet dealt with."""
        return self._ledger.size

    @property
    def oldest(self) -> float:
        """Age in seconds of the oldest event that this node has taken and some endpoint is yet to be told."""
        oldest = self._ledger.oldest
        return 0.0 if oldest == math.inf else max(0.0, self._clock() - oldest)

    async def run(self) -> None:
        """Deliver, until cancelled."""
        async with AsyncExitStack() as at_the_end, asyncio.TaskGroup() as tasks:
            self._taking = tasks.create_task(self._keep_taking())
            # In a thread, since clients of a node that runs already should not notice.
            sender_class = await asyncio.to_thread(_load_sender)
            sender = sender_class(timeout=self._options.timeout, most_connections=self._options.concurrency)
            at_the_end.push_async_callback(sender.close)
            tasks.create_task(self._keep_sending(tasks, sender))

    async def flush(self) -> None:
        """Take nothing more. What would die with this node is sent; for the rest only requests under way end."""
        if self._taking is None:
            return
        self._is_ending = True
        self._taking.cancel()
        await asyncio.wait([self._taking])
        self._ledger.is_last_call = self._outbox.last_call()
        if self._ledger.is_last_call:
            await self._take_the_rest()
        self._has_news.set()
        try:
            # Time for one attempt at what isn't under way yet; cancelled if the node has less.
            async with asyncio.timeout(2 * self._options.timeout):
                while self._ledger.sending or (self._ledger.is_last_call and self._ledger.size):
                    self._has_less.clear()
                    await self._has_less.wait()
        except TimeoutError:
            pass
        finally:
            if self._ledger.is_last_call and self._ledger.size:
                logger.warning("webhook events lost: no time for them", extra={"events": self._ledger.size})

    # Taking

    async def _keep_taking(self) -> None:
        while True:
            while self._ledger.size >= MOST_IN_HAND or not self._ledger.has_room(self._clock()):
                self._has_less.clear()
                with suppress(TimeoutError):
                    # A line that isn't behind may be so in a moment.
                    async with asyncio.timeout(A_MOMENT / 4):
                        await self._has_less.wait()
            await self._take_in(await self._outbox.take(TAKE_AT_ONCE))

    async def _take_the_rest(self) -> None:
        while self._outbox.numbers.waiting > self._ledger.size:
            await self._take_in(await self._outbox.take(TAKE_AT_ONCE))

    async def _take_in(self, notices: Sequence[Notice]) -> None:
        apps = await self._look_up({app_of(notice.topic) for notice in notices})
        for notice in notices:
            app_id = app_of(notice.topic)
            if app_id not in apps:
                self._outbox.postpone(notice, notice.only, UNKNOWN_APP)
                self._outbox.done(notice)
                continue
            try:
                effects = self._ledger.add(notice, apps[app_id], now=self._clock())
            except ValueError as exc:
                # Another release may have written it, or somebody else.
                logger.error("webhook event dropped, it can't be read: %s", exc)
                effects = [Done(notice)]
            if effects == [Done(notice)]:
                self.numbers.events[app_id, "unwanted"] += 1
            self._carry_out(effects)
        self._has_news.set()

    async def _look_up(self, app_ids: Iterable[str]) -> dict[str, App | None]:
        """Return applications by their ids, and None for those that there aren't; not those that nobody can tell.

        What is known is never kept waiting for what isn't, but for one unanswered question in some seconds.
        """
        found: dict[str, App | None] = {}
        for app_id in app_ids:
            app = self._apps.by_id(app_id)
            if app is None and self._clock() < self._ask_again_at:
                continue
            try:
                found[app_id] = app or await self._apps.fetch(app_id)
            except AppUnusable as exc:
                logger.debug("application %s can't be used: %s", app_id, exc)
            except StoreUnavailable as exc:
                logger.debug("application %s isn't known just now: %s", app_id, exc)
                self._ask_again_at = self._clock() + UNKNOWN_APP
        return found

    # Sending

    async def _keep_sending(self, tasks: asyncio.TaskGroup, sender: Sender) -> None:
        while True:
            if not self._is_ending or self._ledger.is_last_call:
                while batch := self._ledger.next(now=self._clock()):
                    tasks.create_task(self._send(batch, sender))
            wake_at = math.inf if self._is_ending else self._ledger.wake_at
            with suppress(TimeoutError):
                async with asyncio.timeout(None if wake_at == math.inf else wake_at - self._clock()):
                    await self._has_news.wait()
            self._has_news.clear()

    async def _send(self, batch: Batch, sender: Sender) -> None:
        endpoint = batch.endpoint
        try:
            app = self._apps.by_id(endpoint.app_id) or await self._apps.fetch(endpoint.app_id)
        except StoreUnavailable as exc:
            self._settle(batch, f"the application can't be looked up: {exc}")
            return
        if app is None:
            self._settle(batch, "the application is gone")
            return
        self.numbers.retries[app.id] += batch.attempts > 1
        began = self._clock()
        headers = batch.headers(app.key, app.secret_bytes, headers_for(app, endpoint))
        outcome = await sender.post(endpoint.url, batch.body, headers)
        self.numbers.request_seconds.observe(self._clock() - began)
        self.numbers.requests[app.id, outcome.result] += 1
        if outcome.why:
            logger.debug("webhook to %s, attempt %d: %s", shown(endpoint.url), batch.attempts, outcome.why)
        self._settle(batch, outcome.why)

    def _settle(self, batch: Batch, why: str) -> None:
        """Have the ledger go on with a batch; `why` is empty if it was delivered."""
        if why:
            effects = self._ledger.failed(batch, why, now=self._clock())
            if any(isinstance(effect, Bury) for effect in effects):
                logger.warning(
                    "webhook events given up: %s",
                    why,
                    extra={
                        "app": batch.endpoint.app_id,
                        "endpoint": shown(batch.endpoint.url),
                        "events": len(batch.notices),
                        "attempts": batch.attempts,
                    },
                )
        else:
            effects = self._ledger.succeeded(batch)
            self.numbers.events[batch.endpoint.app_id, "delivered"] += len(batch.notices)
        self._carry_out(effects)
        self._has_news.set()
        self._has_less.set()

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Done(notice):
                    self._outbox.done(notice)
                case Postpone(notice, only, seconds):
                    self.numbers.events[app_of(notice.topic), "postponed"] += 1
                    self._outbox.postpone(notice, only, seconds)
                case Bury(notice, endpoint, why):
                    self.numbers.events[endpoint.app_id, "dead"] += 1
                    self._outbox.bury(notice, endpoint.id, f"{shown(endpoint.url)}: {why}")
                case _:
                    assert_never(effect)


def _load_sender() -> type[Sender]:
    """Load the HTTP client, with the system's certificates: who has no webhooks needs neither."""
    from server.webhooks.sender import Sender

    return Sender


def shown(url: str) -> str:
    """Return an address without its query, where people put tokens."""
    return urlsplit(url)._replace(query="").geturl()
