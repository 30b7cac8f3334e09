from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client.core import CollectorRegistry

from tests.server.api.conftest import Life, client_of, inspection_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from server.api.application import Api


@pytest.fixture(params=["main port", "metrics port"])
async def port(request: pytest.FixtureRequest, api: Api, life: Life) -> AsyncIterator[httpx.AsyncClient]:
    """Either port: both answer the same."""
    async with client_of(api if request.param == "main port" else inspection_of(CollectorRegistry(), life)) as client:
        yield client


@pytest.mark.parametrize("life", [Life(), Life(is_ready=False), Life(is_draining=True)])
@pytest.mark.parametrize("path", ["/", "/livez"])
async def test_node_is_alive_whatever_its_state(port: httpx.AsyncClient, path: str) -> None:
    answer = await port.get(path)
    assert (answer.status_code, answer.text) == (200, "OK\n")


@pytest.mark.parametrize(
    ("life", "status", "text"),
    [
        (Life(), 200, "ready\n"),
        (Life(is_ready=False), 503, "not ready: starting\n"),
        (Life(is_draining=True), 503, "not ready: draining\n"),
        (Life(is_ready=False, is_draining=True), 503, "not ready: draining\n"),
    ],
)
async def test_node_is_ready_between_its_start_and_its_leaving(port: httpx.AsyncClient, status: int, text: str) -> None:
    answer = await port.get("/readyz")
    assert (answer.status_code, answer.text) == (status, text)


async def test_health_may_be_asked_for_with_head(port: httpx.AsyncClient) -> None:
    assert (await port.head("/livez")).status_code == 200


async def test_other_paths_are_not_found(port: httpx.AsyncClient) -> None:
    for path in ("/nowhere", "/livez/", "/LIVEZ", "//"):
        answer = await port.get(f"http://127.0.0.1{path}")
        assert (answer.status_code, answer.text) == (404, "404 NOT FOUND\n")
