"""How webhooks are delivered. All durations are seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """See the settings of the same names (server/config/settings.py), which begin with ``webhook_``."""

    timeout: float = 5.0
    batch_events: int = 50
    batch_bytes: int = 65_536
    batch_time: float = 0.5
    give_up_after: float = 300.0
    first_retry: float = 1.0
    longest_retry: float = 30.0
    concurrency: int = 256
    endpoint_concurrency: int = 4
    endpoint_queue: int = 1_000
