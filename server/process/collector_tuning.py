"""The garbage collector, tuned for a large and stable heap, and watched."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.metrics import Histogram

THRESHOLDS = (50_000, 20, 50)
"""Allocations, and younger collections, between two collections of each generation. The node makes no cycles on its
busy paths: what a collection would find isn't worth a pause in the delivery to thousands."""


def tune(pauses: Histogram, *, freeze: bool) -> None:
    """Leave what start-up has built out of all later collections, make those rare, and measure them."""
    started_at = 0.0

    def measure(phase: str, _: dict[str, int]) -> None:
        nonlocal started_at
        if phase == "start":
            started_at = time.perf_counter()
        else:
            pauses.observe(time.perf_counter() - started_at)

    gc.callbacks.append(measure)
    if freeze:
        gc.collect()
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
