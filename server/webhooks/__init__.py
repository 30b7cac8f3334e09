"""Webhooks: what applications' back ends are told of what happens in channels."""

from server.webhooks.collector import WebhookCollector
from server.webhooks.webhooks import Webhooks

__all__ = ["WebhookCollector", "Webhooks"]
