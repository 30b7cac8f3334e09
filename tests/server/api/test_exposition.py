from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import Counter
from prometheus_client.core import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

from tests.server.api.conftest import client_of, inspection_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx


@pytest.fixture
async def scraper() -> AsyncIterator[httpx.AsyncClient]:
    registry = CollectorRegistry()
    Counter("shoal_fish", "Fish that were seen.", registry=registry).inc(3)
    async with client_of(inspection_of(registry)) as client:
        yield client


@pytest.mark.parametrize("accept", ["*/*", "", "text/plain;version=0.0.4", "text/plain;version=soon"])
async def test_metrics_are_exposed_in_the_format_that_everybody_reads(scraper: httpx.AsyncClient, accept: str) -> None:
    answer = await scraper.get("/metrics", headers={"Accept": accept})
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = [sample for family in parse_prometheus(answer.text) for sample in family.samples]
    assert ("shoal_fish_total", 3.0) in [(sample.name, sample.value) for sample in samples]


async def test_openmetrics_is_exposed_to_who_asks_for_it(scraper: httpx.AsyncClient) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    answer = await scraper.get("/metrics", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    families = parse_openmetrics(answer.text)  # type: ignore[no-untyped-call]
    assert [family.name for family in families] == ["shoal_fish"]


async def test_metrics_are_only_read(scraper: httpx.AsyncClient) -> None:
    assert (await scraper.post("/metrics")).status_code == 405


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/nowhere"])
async def test_pages_may_not_read_what_is_for_operators(scraper: httpx.AsyncClient, path: str) -> None:
    for answer in (await scraper.get(path), await scraper.post(path), await scraper.options(path)):
        assert "content-type" in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control-")]
