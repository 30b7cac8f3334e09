"""The frames of clients that can't be run here, Java's, Swift's and .NET's, and what these are strict about."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest

from tests.clients.apps import APPS
from tests.harness import Client, Closed, RunningNode

pytestmark = pytest.mark.clients

QUERIES = {
    "java": "client=java-client&protocol=5&version=2.4.4",
    "dotnet": "protocol=5&client=pusher-dotnet-client&version=2.1.0",
    "swift": "client=pusher-websocket-swift&version=10.1.10&protocol=7",
    "pysher": "client=Pysher&version=1.0.7&protocol=6",
}


@pytest.mark.parametrize("client", QUERIES)
async def test_first_frame_is_the_established_connection_with_its_data_as_text(node: RunningNode, client: str) -> None:
    connection = await Client.open(node, query=QUERIES[client])
    text = (await connection.receive()).text
    await connection.close()
    data = r'"{\\"socket_id\\":\\"\d+\.\d+\\",\\"activity_timeout\\":30}"'
    assert re.fullmatch(r'{"event":"pusher:connection_established","data":' + data + "}", text)


@pytest.mark.parametrize(
    "ping", ['{"event":"pusher:ping"}', '{"event": "pusher:ping", "data": ""}', '{"event":"pusher:ping","data":{}}']
)
async def test_ping_is_answered_whatever_its_data(node: RunningNode, ping: str) -> None:
    async with await Client.connect(node) as client:
        await client.send_raw(ping)
        assert (await client.receive()).text == '{"event":"pusher:pong","data":"{}"}'


async def test_control_ping_is_answered(node: RunningNode) -> None:
    async with await Client.connect(node, query=QUERIES["dotnet"]) as client:
        await (await client.connection.ping())


async def test_subscription_without_auth_is_confirmed_with_an_empty_object_as_text(node: RunningNode) -> None:
    channel = f"public-{uuid4()}"
    async with await Client.connect(node) as client:
        await client.send_raw(f'{{"event":"pusher:subscribe","data":{{"channel":"{channel}"}}}}')
        succeeded = f'{{"event":"pusher_internal:subscription_succeeded","channel":"{channel}","data":"{{}}"}}'
        assert (await client.receive()).text == succeeded


async def test_second_subscription_is_confirmed_again_and_counted_once(node: RunningNode) -> None:
    channel = f"presence-{uuid4()}"
    async with await Client.connect(node) as client:
        for _ in range(2):
            assert (await client.subscribe(channel, user={"user_id": "ana"}))["presence"]["count"] == 1
        await client.unsubscribe(channel)
        assert await client.settled() == []
    async with await Client.connect(node) as client:
        assert (await client.subscribe(channel, user={"user_id": "ben"}))["presence"]["ids"] == ["ben"]


async def test_leaving_what_was_never_joined_is_not_answered(node: RunningNode) -> None:
    async with await Client.connect(node) as client:
        await client.unsubscribe(f"private-{uuid4()}")
        assert await client.settled() == []


async def test_roster_has_ids_hash_and_count(node: RunningNode) -> None:
    channel = f"presence-{uuid4()}"
    ana, ben = {"user_id": "ana", "user_info": {"name": "Ana"}}, {"user_id": "ben"}
    async with await Client.connect(node) as first, await Client.connect(node) as second:
        await first.subscribe(channel, user=ana)
        roster = await second.subscribe(channel, user=ben)
        hash_ = {"ana": {"name": "Ana"}, "ben": None}
        assert roster == {"presence": {"ids": ["ana", "ben"], "hash": hash_, "count": 2}}
        assert (await first.receive()).value == {"user_id": "ben"}


async def test_client_event_arrives_as_text_with_its_sender_whatever_was_sent(node: RunningNode) -> None:
    channel = f"presence-{uuid4()}"
    async with await Client.connect(node) as ana, await Client.connect(node) as ben:
        await ana.subscribe(channel, user={"user_id": 7})
        await ben.subscribe(channel, user={"user_id": "ben"})
        await ana.settled()
        frame = {"event": "client-event", "channel": channel, "data": {"a": [1]}, "user_id": "ben", "more": 1}
        await ana.send_raw(json.dumps(frame))
        received = json.loads((await ben.receive()).text)
        assert json.loads(received.pop("data")) == {"a": [1]}
        assert received == {"event": "client-event", "channel": channel, "user_id": "7"}


async def test_watchlist_events_have_no_channel(node: RunningNode) -> None:
    watched = str(uuid4())
    async with await Client.connect(node) as client:
        await client.sign_in({"id": str(uuid4()), "watchlist": [watched]})
        message = await client.expect("pusher_internal:watchlist_events")
        assert set(json.loads(message.text)) == {"event", "data"}
        assert message.value == {"events": [{"name": "offline", "user_ids": [watched]}]}


async def test_cache_miss_has_data(node: RunningNode) -> None:
    channel = f"cache-{uuid4()}"
    async with await Client.connect(node, ignored=["pusher_internal:subscription_count"]) as client:
        await client.subscribe(channel)
        assert (await client.receive()).text == f'{{"event":"pusher:cache_miss","channel":"{channel}","data":"{{}}"}}'


async def test_error_without_a_code_is_an_object_and_no_text(node: RunningNode) -> None:
    async with await Client.connect(node) as client:
        await client.send_raw("{")
        message = await client.receive()
        assert set(json.loads(message.text)) == {"event", "data"}
        assert (message.event, message.data["code"], type(message.data["message"])) == ("pusher:error", None, str)
        assert await client.settled() == []


@pytest.mark.parametrize(
    ("key", "query", "code"),
    [
        ("nobody", QUERIES["java"], 4001),
        (APPS["disabled"]["key"], QUERIES["dotnet"], 4003),
        (APPS["full"]["key"], QUERIES["swift"], 4004),
        (APPS["tls"]["key"], QUERIES["java"], 4000),
        (f"{APPS['main']['key']}/more", QUERIES["java"], 4005),
        (APPS["main"]["key"], "protocol=7&client=js&version=%20", 4006),
        (APPS["main"]["key"], "protocol=8&client=js&version=8.6.0", 4007),
        (APPS["main"]["key"], "client=js&version=8.6.0", 4008),
        (APPS["main"]["key"], "", 4008),
    ],
)
async def test_who_is_turned_away_gets_the_error_as_an_object_then_a_close_of_the_same_code(
    node: RunningNode, key: str, query: str, code: int
) -> None:
    client = await Client.open(node, key=key, query=query)
    message = await client.expect_error(code)
    assert message
    assert await client.expect_close() == Closed(code, message)
