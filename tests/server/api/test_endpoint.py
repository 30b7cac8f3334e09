from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from server.api.answers import EMPTY, Answer
from server.api.endpoint import Endpoint
from server.config import Settings
from tests.server.api.back_end import BackEnd, signed_query
from tests.server.api.conftest import APP, DISABLED, OTHER, Counted, api_over, client_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import httpx
    from starlette.types import Message

    from adapter.local import LocalAdapter
    from server.api.call import Call


def endpoint(counted: Counted, handle: Callable[[Call], Awaitable[Answer]], *, max_body_bytes: int = 100) -> Endpoint:
    return Endpoint("/path", {"POST": handle}, max_body_bytes=max_body_bytes, observe=counted.request)


async def call(endpoint: Endpoint, *messages: Message, method: str = "POST") -> list[Message]:
    """Have a request answered that comes as these messages; return the messages of the answer."""
    sent: list[Message] = []
    coming = iter(messages)

    async def receive() -> Message:
        return next(coming)

    async def send(message: Message) -> None:
        sent.append(message)

    await endpoint({"type": "http", "method": method, "path": "/path", "headers": []}, receive, send)
    return sent


def part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def bodies_read(*messages: Message, max_body_bytes: int = 100) -> tuple[list[bytes], list[Message]]:
    seen = []

    async def handle(call: Call) -> Answer:
        seen.append(call.body)
        return EMPTY

    sent = await call(endpoint(Counted(), handle, max_body_bytes=max_body_bytes), *messages)
    return seen, sent


async def test_body_is_read_in_one_piece_or_in_several() -> None:
    assert (await bodies_read(part(b"abc", more=False)))[0] == [b"abc"]
    assert (await bodies_read(part(b"a", more=True), part(b"", more=True), part(b"bc", more=False)))[0] == [b"abc"]


async def test_body_of_just_the_limit_is_read() -> None:
    assert (await bodies_read(part(b"a", more=True), part(b"b", more=False), max_body_bytes=2))[0] == [b"ab"]


async def test_body_over_the_limit_is_413_without_waiting_for_the_rest() -> None:
    seen, sent = await bodies_read(part(b"a", more=True), part(b"bc", more=True), max_body_bytes=2)
    assert seen == []
    assert sent[0]["status"] == 413
    assert sent[1]["body"] == b"The body exceeds the allowed maximum (2 bytes)\n"


async def test_client_that_hangs_up_in_its_request_is_not_answered() -> None:
    assert await bodies_read(part(b"a", more=True), {"type": "http.disconnect"}) == ([], [])


async def test_crash_is_500_without_its_reason_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def crash(call: Call) -> Answer:
        raise KeyError("the reason")

    counted = Counted()
    sent = await call(endpoint(counted, crash), part(b"", more=False))
    assert (sent[0]["status"], sent[1]["body"]) == (500, b"500 INTERNAL SERVER ERROR\n")
    assert counted.requests == [("/path", 500)]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "POST /path failed"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], KeyError)


async def test_refusals_are_not_logged(back_end: BackEnd, caplog: pytest.LogCaptureFixture) -> None:
    await back_end.post("/events", b"{")
    await back_end.client.get("/nowhere")
    await back_end.client.post("/apps/3/events")
    assert [record for record in caplog.records if record.name.startswith("server")] == []


async def test_unknown_paths_are_not_found(client: httpx.AsyncClient, counted: Counted) -> None:
    for path in (
        "/apps/3",
        "/apps/3/",
        "/apps/3/event",
        "/apps/3/events/",
        "/apps//events",
        "/apps/3/x/events",
        "/app",
    ):
        answer = await client.post(path)
        assert (answer.status_code, answer.text) == (404, "404 NOT FOUND\n")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert set(counted.requests) == {("unmatched", 404)}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/apps/3/events", "POST, OPTIONS"),
        ("POST", "/apps/3/channels", "GET, OPTIONS"),
        ("PUT", "/", "GET, OPTIONS"),
    ],
)
async def test_other_methods_are_405(client: httpx.AsyncClient, method: str, path: str, allowed: str) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.text) == (405, f"405 METHOD NOT ALLOWED: use {allowed}\n")
    assert answer.headers["allow"] == allowed


async def test_head_is_signed_as_head(client: httpx.AsyncClient) -> None:
    path = "/apps/3/channels"
    assert (await client.head(f"{path}?{signed_query(APP, 'HEAD', path, {})}")).status_code == 200
    assert (await client.head(f"{path}?{signed_query(APP, 'GET', path, {})}")).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/events"),
        ("POST", "/batch_events"),
        ("GET", "/channels"),
        ("GET", "/channels/a"),
        ("GET", "/channels/presence-a/users"),
        ("POST", "/users/1/terminate_connections"),
        ("POST", "/channels/a/events"),
        ("GET", "/channels/a/stats"),
    ],
)
async def test_every_route_of_an_app_needs_a_signature_of_that_app(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    full = f"/apps/{APP.id}{path}"
    answer = await client.request(method, full)
    assert (answer.status_code, answer.text) == (401, "Missing parameter: auth_key\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    answer = await client.request(method, f"{full}?{signed_query(OTHER, method, full, {})}")
    assert (answer.status_code, answer.text) == (401, "Mismatched auth_key: it does not belong to app 3\n")


async def test_unprefixed_route_needs_a_signature(client: httpx.AsyncClient) -> None:
    answer = await client.post("/users/1/terminate_connections")
    assert (answer.status_code, answer.text) == (401, "Missing parameter: auth_key\n")


async def test_disabled_app_is_403(client: httpx.AsyncClient) -> None:
    answer = await BackEnd(client, DISABLED).get("/channels")
    assert (answer.status_code, answer.text) == (403, "Application disabled\n")


async def test_escaped_paths_reach_their_route(client: httpx.AsyncClient) -> None:
    query = signed_query(APP, "GET", "/apps/3/channels/a,b", {})
    assert (await client.get(f"/apps/3/%63hannels/a%2Cb?{query}")).json() == {"occupied": False}


@pytest.fixture
async def small(adapter: LocalAdapter) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(max_body_bytes=1024, max_json_depth=4, apps=(APP.model_copy(update={"max_event_bytes": 1023}),))
    async with client_of(api_over(adapter, Counted(), settings=settings)) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"name": "n", "data": "d" * 1024, "channel": "a"}, 413, "The body exceeds the allowed maximum (1024 bytes)\n"),
        ({"name": "n", "data": "d", "channels": ["a"], "x": [[[[]]]]}, 400, "JSON nests deeper than 4 levels\n"),
        ({"name": "n", "data": "[[[[[", "channels": ["a"]}, 200, "{}"),
    ],
)
async def test_limits_of_bodies_are_settings(small: httpx.AsyncClient, body: Any, status: int, text: str) -> None:
    answer = await BackEnd(small, APP).post("/events", body)
    assert (answer.status_code, answer.text) == (status, text)
