from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapter.errors import Unavailable
from server.api.answers import CRASHED, Answer, try_again

if TYPE_CHECKING:
    import httpx

    from tests.server.api.back_end import BackEnd


async def test_pages_may_read_successes(back_end: BackEnd) -> None:
    for answer in (
        await back_end.get("/channels"),
        await back_end.post("/events", {"name": "n", "data": "d", "channel": "a"}),
    ):
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/apps/3/events", 401),
        ("GET", "/apps/3/events", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/readyz", 200),
    ],
)
async def test_pages_may_read_refusals(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"].split(", ")[0] == "Retry-After"


@pytest.mark.parametrize("answer", [CRASHED, try_again(Unavailable("away"))])
def test_pages_may_read_failures(answer: Answer) -> None:
    assert (b"access-control-allow-origin", b"*") in answer.head["headers"]


@pytest.mark.parametrize(("path", "method"), [("/apps/3/events", "POST"), ("/apps/3/channels", "GET")])
async def test_preflight_is_answered_without_a_signature(client: httpx.AsyncClient, path: str, method: str) -> None:
    asked = {
        "Origin": "https://example.com",
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type,x-pusher-library",
    }
    answer = await client.options(path, headers=asked)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == answer.headers["allow"] == f"{method}, OPTIONS"
    assert answer.headers["access-control-allow-headers"] == "*"
    assert int(answer.headers["access-control-max-age"]) > 0


async def test_preflight_of_an_unknown_path_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.options("/nowhere")).status_code == 404
