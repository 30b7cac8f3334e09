"""A node's metrics, for what reads them: alerts, the dashboard, and the page about them."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.helm.exposed import exposition

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}


@pytest.fixture(scope="session")
def exposed_text() -> str:
    """What a node answers to a scrape."""
    return exposition()


@pytest.fixture(scope="session")
def exposed(exposed_text: str) -> dict[str, set[str]]:
    """The names of all series of a node, with the labels that they were seen with."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(exposed_text):
        for suffix in _SUFFIXES.get(family.type, ("",)):
            found.setdefault(family.name + suffix, set())
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found
