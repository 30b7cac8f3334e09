"""How much back ends may do in a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.server.api.back_end import NOW, BackEnd
from tests.server.api.conftest import LIMITED

if TYPE_CHECKING:
    import httpx

    from tests.server.api.conftest import Counted, Now
    from tests.server.api.receiver import Notes

EVENT = {"name": "e", "channel": "c", "data": "d"}


@pytest.fixture
def limited(client: httpx.AsyncClient) -> BackEnd:
    """A back end whose application may publish 10 events, and read 2 times, a second."""
    return BackEnd(client, LIMITED)


def to_channels(count: int) -> dict[str, Any]:
    return {"name": "e", "channels": [f"c{number}" for number in range(count)], "data": "d"}


def rate_headers(answer: httpx.Response) -> tuple[str, str, str]:
    return tuple(answer.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "reset"))  # type: ignore[return-value]


async def test_an_application_over_its_events_gets_429_and_is_told_when_to_come_back(limited: BackEnd) -> None:
    assert (await limited.post("/events", to_channels(10))).status_code == 200
    answer = await limited.post("/events", to_channels(4))
    assert answer.status_code == 429
    assert answer.text == (
        "429 TOO MANY REQUESTS: application 6 may publish 10 events a second, one for each channel of each; "
        "these are 4; try again in 1 s\n"
    )
    assert answer.headers["retry-after"] == "1"
    assert rate_headers(answer) == ("10", "0", str(NOW + 1))
    assert "X-RateLimit-Remaining" in answer.headers["access-control-expose-headers"]


async def test_what_is_refused_was_not_published_and_is_counted(
    limited: BackEnd, notes: Notes, counted: Counted
) -> None:
    await limited.post("/events", to_channels(10))
    for _ in range(3):
        await limited.post("/events", EVENT)
    assert len(counted.publications) == 1
    assert counted.refusals == [("6", "events")] * 3
    assert [status for _, status in counted.requests] == [200, 429, 429, 429]


async def test_an_event_counts_once_for_each_channel_however_often_it_is_named(limited: BackEnd) -> None:
    answer = await limited.post("/events", {"name": "e", "channels": ["a", "b", "a"], "data": "d"})
    assert rate_headers(answer)[:2] == ("10", "8")


async def test_each_event_of_a_batch_counts(limited: BackEnd) -> None:
    answer = await limited.post("/batch_events", {"batch": [EVENT] * 4})
    assert rate_headers(answer)[:2] == ("10", "6")
    await limited.post("/batch_events", {"batch": [EVENT] * 4})
    assert (await limited.post("/batch_events", {"batch": [EVENT] * 3})).status_code == 429


async def test_the_deprecated_way_to_publish_counts_too(limited: BackEnd) -> None:
    answer = await limited.post("/channels/c/events", b"{}", {"name": "e"})
    assert answer.status_code == 202
    assert rate_headers(answer)[:2] == ("10", "9")


async def test_what_is_wrong_costs_nothing(limited: BackEnd) -> None:
    for _ in range(20):
        assert (await limited.post("/events", {"name": "e", "channel": "c"})).status_code == 400
    assert rate_headers(await limited.post("/events", EVENT))[1] == "9"


async def test_the_allowance_comes_back_evenly(limited: BackEnd, now: Now) -> None:
    await limited.post("/events", to_channels(10))
    now.seconds += 0.35
    statuses = [(await limited.post("/events", EVENT)).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


async def test_more_at_once_than_a_second_allows_is_taken_and_owed(limited: BackEnd, now: Now) -> None:
    assert (await limited.post("/events", to_channels(50))).status_code == 200
    answer = await limited.post("/events", EVENT)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "5"
    now.seconds += 5
    assert (await limited.post("/events", EVENT)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/channels", "/channels/c", "/channels/presence-c/users", "/channels/c/stats"], ids=lambda path: path
)
async def test_an_application_over_its_reads_gets_429(limited: BackEnd, counted: Counted, path: str) -> None:
    first = await limited.get(path)
    assert first.status_code == 200
    assert rate_headers(first) == ("2", "1", str(NOW + 1))
    await limited.get(path)
    refused = await limited.get(path)
    assert refused.status_code == 429
    assert refused.text == "429 TOO MANY REQUESTS: application 6 may ask 2 times a second; try again in 1 s\n"
    assert rate_headers(refused)[:2] == ("2", "0")
    assert counted.refusals == [("6", "reads")]


async def test_reads_and_events_are_counted_apart(limited: BackEnd) -> None:
    await limited.post("/events", to_channels(10))
    assert (await limited.get("/channels")).status_code == 200


async def test_ending_a_users_connections_is_never_limited(limited: BackEnd) -> None:
    await limited.post("/events", to_channels(10))
    statuses = [(await limited.post("/users/u/terminate_connections", {})).status_code for _ in range(30)]
    assert set(statuses) == {200}


async def test_without_a_limit_there_is_nothing_to_tell(back_end: BackEnd) -> None:
    answers = [await back_end.post("/events", EVENT), await back_end.get("/channels")]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert not any(name.startswith("x-ratelimit") for answer in answers for name in answer.headers)


async def test_an_answer_that_is_everybodys_gets_no_headers_of_one_application(
    limited: BackEnd, back_end: BackEnd
) -> None:
    await limited.post("/events", EVENT)
    assert "x-ratelimit-limit" not in (await back_end.post("/events", EVENT)).headers
