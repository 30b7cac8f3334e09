"""Webhooks as the rest of a node sees them: begun when an application has some, flushed before the node ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.hub.notices import wants_in
from server.webhooks.deliverer import Deliverer
from server.webhooks.options import DeliveryOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from adapter.base import Topic
    from adapter.outbox import Outbox, OutboxNumbers, Wants
    from server.apps import Directory
    from server.config import Settings
    from server.webhooks.counts import DeliveryNumbers


class Webhooks:
    """A node's webhooks. Without any, in any application, they cost nothing."""

    def __init__(self, outbox: Outbox, apps: Directory, settings: Settings) -> None:
        self.outbox = outbox
        self._apps = apps
        self._deliverer = Deliverer(outbox, apps, _options(settings))
        self._has_begun = False

    def begin(self, spawn: Callable[[Coroutine[object, object, None]], object]) -> None:
        """Deliver from now on; a second time does nothing."""
        if not self._has_begun:
            self._has_begun = True
            self.outbox.keep(self._wants)
            spawn(self._deliverer.run())

    async def flush(self) -> None:
        """Send what would be lost with this node, and leave the rest to the others."""
        await self._deliverer.flush()

    @property
    def numbers(self) -> DeliveryNumbers:
        return self._deliverer.numbers

    @property
    def outbox_numbers(self) -> OutboxNumbers:
        return self.outbox.numbers

    @property
    def in_hand(self) -> int:
        """How many events this node has taken and not yet dealt with."""
        return self._deliverer.in_hand

    @property
    def oldest(self) -> float:
        """Age in seconds of the oldest of these; 0 if there is none."""
        return self._deliverer.oldest

    def _wants(self, topic: Topic) -> Wants:
        return wants_in(self._apps, topic)


def _options(settings: Settings) -> DeliveryOptions:
    return DeliveryOptions(
        timeout=settings.webhook_timeout,
        batch_events=settings.webhook_batch_events,
        batch_bytes=settings.webhook_batch_bytes,
        batch_time=settings.webhook_batch_time,
        give_up_after=settings.webhook_give_up_after,
        first_retry=settings.webhook_first_retry,
        longest_retry=settings.webhook_longest_retry,
        concurrency=settings.webhook_concurrency,
        endpoint_concurrency=settings.webhook_endpoint_concurrency,
        endpoint_queue=settings.webhook_endpoint_queue,
    )
