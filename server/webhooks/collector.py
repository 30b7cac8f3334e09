"""The numbers of webhooks as Prometheus reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.metrics.families import counter, gauge, histogram

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from prometheus_client import Metric

    from server.webhooks.webhooks import Webhooks


class WebhookCollector:
    """Reads a node's webhooks when it is scraped."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

    def collect(self) -> Iterator[Metric]:
        yield from self._deliveries()
        yield from self._waiting()

    def _deliveries(self) -> Iterator[Metric]:
        numbers = self._webhooks.numbers
        text = "Webhook events by what became of them: delivered, dead (failed for good), postponed, unwanted."
        yield counter("shoal_webhook_events", text, ["app", "result"], _pairs(numbers.events))
        text = "Webhook requests by result: delivered (2xx), refused (any other answer), timeout, unreachable."
        yield counter("shoal_webhook_requests", text, ["app", "result"], _pairs(numbers.requests))
        text = "Webhook requests that had been sent before."
        yield counter("shoal_webhook_retries", text, ["app"], [((app_id,), n) for app_id, n in numbers.retries.items()])
        text = "From a webhook request to its answer, or to giving up."
        yield histogram("shoal_webhook_request_seconds", text, [], [((), numbers.request_seconds)])

    def _waiting(self) -> Iterator[Metric]:
        webhooks, outbox = self._webhooks, self._webhooks.outbox_numbers
        for name, text, value in (
            ("shoal_webhook_in_hand", "Webhook events that this node is delivering.", webhooks.in_hand),
            ("shoal_webhook_oldest_seconds", "Age of the oldest event that it is delivering.", webhooks.oldest),
            (
                "shoal_webhook_outbox_events",
                "Events in the cluster's outbox, those in delivery included.",
                outbox.waiting,
            ),
            ("shoal_webhook_outbox_held_back", "Events that may be undone yet, or were postponed.", outbox.held_back),
            ("shoal_webhook_outbox_oldest_seconds", "Age of the oldest event that no node has taken.", outbox.oldest),
            ("shoal_webhook_failed_events", "Dead letters, to be looked at and tried again.", outbox.buried),
        ):
            yield gauge(name, text, [], [((), value)])
        text = (
            "Events of the cluster dropped because the outbox, or the dead letters, were full; all nodes say the same."
        )
        yield counter("shoal_webhook_dropped_events", text, [], [((), outbox.dropped)])


def _pairs(counts: Counter[tuple[str, str]]) -> list[tuple[tuple[str, ...], float]]:
    return list(counts.items())
