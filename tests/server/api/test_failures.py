"""Addresses whose requests fail authentication again and again."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING
from urllib.parse import clear_cache  # type: ignore[attr-defined]

import httpx
import pytest

from server.config import Settings
from tests.server.api.back_end import BackEnd
from tests.server.api.conftest import APP, OTHER, api_over

if TYPE_CHECKING:
    from adapter.base import Adapter
    from server.api.application import Api
    from server.apps import App
    from tests.server.api.conftest import Counted

EVENT = {"name": "e", "channel": "c", "data": "d"}
WRONG = "/apps/3/events?auth_key=278d425bdf160c739803"


def from_address(api: Api, address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=api, client=(address, 4711)), base_url="http://node")


@pytest.fixture
def guarded(adapter: Adapter, counted: Counted) -> Api:
    return api_over(adapter, counted, settings=Settings(max_failed_requests_per_second_per_ip=1))


async def statuses(api: Api, address: str, count: int, path: str = WRONG) -> list[int]:
    async with from_address(api, address) as client:
        return [(await client.post(path)).status_code for _ in range(count)]


async def publish(api: Api, address: str, app: App = APP) -> httpx.Response:
    async with from_address(api, address) as client:
        return await BackEnd(client, app).post("/events", EVENT)


async def test_who_fails_too_often_is_refused_unseen_and_counted(guarded: Api, counted: Counted) -> None:
    assert await statuses(guarded, "192.0.2.1", 12) == [401] * 10 + [429] * 2
    answer = await publish(guarded, "192.0.2.1")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert answer.text == (
        "429 TOO MANY REQUESTS: too many requests of 192.0.2.1 failed authentication, more than 1 a second; "
        "try again in 1 s\n"
    )
    assert counted.refusals == [("", "failures")] * 3
    assert counted.publications == []


async def test_others_are_not_concerned(guarded: Api) -> None:
    await statuses(guarded, "192.0.2.1", 12)
    assert (await publish(guarded, "192.0.2.2")).status_code == 200
    # Nor is another application of the same address.
    assert (await publish(guarded, "192.0.2.1", OTHER)).status_code == 200


async def test_the_addresses_of_one_customer_count_together(guarded: Api) -> None:
    answers = [(await statuses(guarded, f"2001:db8::{number:x}", 1))[0] for number in range(1, 13)]
    assert answers == [401] * 10 + [429] * 2


async def test_success_costs_nothing(guarded: Api) -> None:
    assert {(await publish(guarded, "192.0.2.1")).status_code for _ in range(30)} == {200}


async def test_without_the_setting_every_failure_is_told_as_one(api: Api) -> None:
    assert await statuses(api, "192.0.2.1", 50) == [401] * 50


async def test_names_in_paths_take_no_memory_however_long_they_are(guarded: Api) -> None:
    names, length = 50, 50_000
    await statuses(guarded, "192.0.2.1", 1, WRONG.replace("3", "n" * length, 1))
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(names):
        await statuses(guarded, "192.0.2.1", 1, WRONG.replace("3", f"{number}" + "n" * length, 1))
    # The client remembers the addresses that it took apart.
    clear_cache()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < names * length / 4
