from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapter.base import topic_of
from tests.server.api.conftest import APP, OTHER

if TYPE_CHECKING:
    from adapter.local import LocalAdapter
    from tests.server.api.back_end import BackEnd


async def occupy(adapter: LocalAdapter, name: str, *users: str, subscriptions: int = 1, app_id: str = APP.id) -> None:
    topic = topic_of(app_id, name)
    for user in users or (None,):
        await adapter.enter(topic, user)
    adapter.count(topic, subscriptions)


async def test_no_channels_are_an_empty_object(back_end: BackEnd) -> None:
    answer = await back_end.get("/channels")
    assert (answer.status_code, answer.content) == (200, b'{"channels":{}}')
    assert answer.headers["content-type"] == "application/json"


async def test_only_occupied_channels_of_the_app_are_listed(back_end: BackEnd, adapter: LocalAdapter) -> None:
    await occupy(adapter, "a")
    await occupy(adapter, "presence-b", "1")
    await occupy(adapter, "elsewhere", app_id=OTHER.id)
    adapter.count(topic_of(APP.id, "counted-only"), 1)
    assert (await back_end.get("/channels")).json() == {"channels": {"a": {}, "presence-b": {}}}


async def test_users_own_channels_are_not_listed(back_end: BackEnd, adapter: LocalAdapter) -> None:
    await occupy(adapter, "#server-to-user-1")
    for prefix in ("", "#"):
        assert (await back_end.get("/channels", filter_by_prefix=prefix)).json() == {"channels": {}}


async def test_list_is_filtered_by_prefix(back_end: BackEnd, adapter: LocalAdapter) -> None:
    for name in ("news-1", "news-2", "old-news"):
        await occupy(adapter, name)
    answer = await back_end.get("/channels", filter_by_prefix="news-")
    assert answer.json() == {"channels": {"news-1": {}, "news-2": {}}}


async def test_list_has_the_numbers_asked_for(back_end: BackEnd, adapter: LocalAdapter) -> None:
    await occupy(adapter, "presence-a", "1", "2", subscriptions=3)
    answer = await back_end.get("/channels", filter_by_prefix="presence-", info="user_count")
    assert answer.json() == {"channels": {"presence-a": {"user_count": 2}}}
    answer = await back_end.get("/channels", info="subscription_count")
    assert answer.json() == {"channels": {"presence-a": {"subscription_count": 3}}}


@pytest.mark.parametrize("prefix", ["", "private-", "presence"])
async def test_list_counts_users_of_presence_channels_only(back_end: BackEnd, prefix: str) -> None:
    answer = await back_end.get("/channels", filter_by_prefix=prefix, info="user_count")
    assert (answer.status_code, answer.text) == (
        400,
        "user_count may only be requested for presence channels"
        " - please supply filter_by_prefix begining with presence-\n",
    )


@pytest.mark.parametrize(
    ("path", "info"),
    [("/channels", "does-not-exist"), ("/channels/a", "does-not-exist"), ("/channels", "cache")],
)
async def test_unknown_attributes_are_refused(back_end: BackEnd, path: str, info: str) -> None:
    answer = await back_end.get(path, info=info)
    assert answer.status_code == 400
    assert "info should be a comma separated list of attributes" in answer.text


async def test_occupied_channel_is_described(back_end: BackEnd, adapter: LocalAdapter) -> None:
    await occupy(adapter, "presence-a", "1", "2", subscriptions=3)
    assert (await back_end.get("/channels/presence-a")).json() == {"occupied": True}
    answer = await back_end.get("/channels/presence-a", info="user_count,subscription_count")
    assert answer.json() == {"occupied": True, "user_count": 2, "subscription_count": 3}


async def test_unoccupied_channel_has_zeros(back_end: BackEnd) -> None:
    assert (await back_end.get("/channels/a")).json() == {"occupied": False}
    answer = await back_end.get("/channels/presence-a", info="user_count,subscription_count")
    assert answer.json() == {"occupied": False, "user_count": 0, "subscription_count": 0}


async def test_only_presence_channels_have_a_user_count(back_end: BackEnd) -> None:
    answer = await back_end.get("/channels/a", info="user_count")
    assert (answer.status_code, answer.text) == (
        400,
        "Cannot retrieve the user count unless the channel is a presence channel\n",
    )


async def test_only_cache_channels_have_a_cache(back_end: BackEnd) -> None:
    answer = await back_end.get("/channels/a", info="cache")
    assert (answer.status_code, answer.text) == (
        400,
        "Cannot retrieve the cache unless the channel is a cache channel\n",
    )


async def test_cache_is_shown_with_the_time_it_has_left(back_end: BackEnd) -> None:
    assert (await back_end.get("/channels/cache-a", info="cache")).json() == {"occupied": False, "cache": None}
    await back_end.post("/events", {"name": "n", "data": "événement", "channel": "cache-a"})
    cache = (await back_end.get("/channels/cache-a", info="cache")).json()["cache"]
    assert cache["data"] == "événement"
    assert isinstance(cache["ttl"], int)
    assert 0 < cache["ttl"] <= APP.cache_ttl


async def test_users_own_channel_tells_whether_the_user_is_signed_in(back_end: BackEnd, adapter: LocalAdapter) -> None:
    assert (await back_end.get("/channels/#server-to-user-1")).json() == {"occupied": False}
    await occupy(adapter, "#server-to-user-1")
    assert (await back_end.get("/channels/#server-to-user-1")).json() == {"occupied": True}


@pytest.mark.parametrize("path", ["/channels/a b", "/channels/ä", "/channels/a b/users", "/channels/!/stats"])
async def test_invalid_channel_names_are_refused(back_end: BackEnd, path: str) -> None:
    answer = await back_end.get(path)
    assert answer.status_code == 400
    assert answer.text.startswith("Invalid channel name ")


async def test_users_of_a_presence_channel_are_listed_by_id(back_end: BackEnd, adapter: LocalAdapter) -> None:
    await occupy(adapter, "presence-a", "1", "zwei")
    answer = await back_end.get("/channels/presence-a/users")
    assert answer.json() == {"users": [{"id": "1"}, {"id": "zwei"}]}


async def test_empty_presence_channel_has_an_empty_list_of_users(back_end: BackEnd) -> None:
    assert (await back_end.get("/channels/presence-a/users")).content == b'{"users":[]}'


async def test_other_channels_have_no_users(back_end: BackEnd) -> None:
    answer = await back_end.get("/channels/private-a/users")
    assert (answer.status_code, answer.text) == (400, "Users can only be retrieved for presence channels\n")


async def test_deprecated_stats_have_all_numbers(back_end: BackEnd, adapter: LocalAdapter) -> None:
    await occupy(adapter, "presence-a", "1", subscriptions=2)
    answer = await back_end.get("/channels/presence-a/stats")
    assert answer.json() == {"occupied": True, "user_count": 1, "connection_count": 2}
