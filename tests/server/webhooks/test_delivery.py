"""Webhooks of a running node, as a back end gets them."""

from __future__ import annotations

import json
import signal
import ssl
from typing import TYPE_CHECKING, Any

import pusher
import pytest
import trustme

from tests.harness import Client
from tests.harness.raw_server import NO_CONTENT, raw_server, saying
from tests.server.webhooks.conftest import APP, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import RunningNode
    from tests.harness.receiver import Receiver
    from tests.server.webhooks.conftest import Start


async def connect(node: RunningNode) -> Client:
    return await Client.connect(node, ignored=["pusher_internal:subscription_count"])


def by_channel(receiver: Receiver, channel: str, path: str | None = None) -> list[dict[str, Any]]:
    events = [event for _, event in receiver.accepted(path) if event["channel"] == channel]
    return [event for event in events if event["name"] != "subscription_count"]


def accepted_channels(receiver: Receiver, path: str) -> set[str]:
    """Return the channels of what a path has accepted, be it once or more often."""
    return {event["channel"] for _, event in receiver.accepted(path)}


async def test_every_type_of_event_is_as_pusher_has_it(receiver: Receiver, start: Start) -> None:
    node = start({"url": receiver.url()})
    async with await connect(node) as client:
        await client.subscribe("presence-room", user={"user_id": "ana"})
        await client.subscribe("cache-news")
        await client.expect("pusher:cache_miss", "cache-news")
        await client.send("client-typing", {"who": "zażółć"}, "presence-room")
        await client.unsubscribe("presence-room")
        await client.subscribe("public")
        await until(lambda: "channel_vacated" in receiver.names())
        await until(lambda: {"cache_miss", "subscription_count"} <= set(receiver.names()))
    await until(lambda: receiver.names().count("channel_vacated") == 3)
    assert sorted(by_channel(receiver, "presence-room"), key=lambda event: str(event["name"])) == [
        {"name": "channel_occupied", "channel": "presence-room"},
        {"name": "channel_vacated", "channel": "presence-room"},
        {
            "name": "client_event",
            "channel": "presence-room",
            "event": "client-typing",
            "data": '{"who":"zażółć"}',
            "socket_id": client.socket_id,
            "user_id": "ana",
        },
        {"name": "member_added", "channel": "presence-room", "user_id": "ana"},
        {"name": "member_removed", "channel": "presence-room", "user_id": "ana"},
    ]
    assert {"name": "cache_miss", "channel": "cache-news"} in by_channel(receiver, "cache-news")
    counts = [event for _, event in receiver.accepted() if event["name"] == "subscription_count"]
    assert {"name": "subscription_count", "channel": "public", "subscription_count": 1} in counts


async def test_requests_are_signed_as_pushers_library_wants_it(receiver: Receiver, start: Start) -> None:
    node = start({"url": receiver.url(), "headers": {"Authorization": "Bearer ours", "X-Shard": "1"}})
    async with await connect(node) as client:
        await client.subscribe("channel")
        await until(lambda: receiver.requests)
    request = receiver.requests[0]
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Bearer ours"
    assert len(request.ids) == len(request.events)
    backend = pusher.Pusher(app_id="1001", key=APP["key"], secret=APP["secret"])
    verified = backend.validate_webhook(
        request.headers["x-pusher-key"], request.headers["x-pusher-signature"], request.body.decode()
    )
    assert verified is not None
    assert isinstance(verified["time_ms"], int)
    assert verified["events"][0] == {"name": "channel_occupied", "channel": "channel"}


async def test_each_endpoint_gets_what_it_wants_and_a_slow_one_delays_nobody(receiver: Receiver, start: Start) -> None:
    receiver.behaviour["/slow"].answers.clear()
    node = start(
        {"url": receiver.url("/slow")},
        {"url": receiver.url("/private"), "event_types": ["channel_occupied"], "channel_name_starts_with": "private-"},
        {"url": receiver.url("/log"), "event_types": ["channel_occupied"], "channel_name_matches": "*-log-[ab]"},
        settings={"SHOAL_WEBHOOK_BATCH_EVENTS": "1"},
    )
    async with await connect(node) as client:
        for name in ("private-a", "x-log-a", "x-log-c", "private-log-b"):
            await client.subscribe(name)
        await until(lambda: len(receiver.accepted("/private")) == len(receiver.accepted("/log")) == 2)
        assert not node.metric("shoal_webhook_requests_total", result="timeout"), "the slow one still has its time"
        receiver.behaviour["/slow"].answers.set()
    assert {event["channel"] for _, event in receiver.accepted("/private")} == {"private-a", "private-log-b"}
    assert {event["channel"] for _, event in receiver.accepted("/log")} == {"x-log-a", "private-log-b"}


async def test_what_fails_is_sent_again_with_the_same_bytes(receiver: Receiver, start: Start) -> None:
    receiver.behaviour["/hook"].status = 500
    node = start({"url": receiver.url(), "event_types": ["channel_occupied"]})
    async with await connect(node) as client:
        await client.subscribe("channel")
        await until(lambda: len(receiver.requests) >= 3)
        receiver.behaviour["/hook"].status = 204
        await until(receiver.accepted)
        await client.subscribe("other")
        await until(lambda: len(receiver.accepted()) == 2)
    first, *_, last = receiver.requests[:-1]
    assert (first.body, first.ids) == (last.body, last.ids)
    assert first.headers["x-pusher-signature"] == last.headers["x-pusher-signature"]
    assert node.metric("shoal_webhook_requests_total", result="refused") >= 3
    assert node.metric("shoal_webhook_events_total", result="delivered") == 2


async def test_redirects_are_not_followed(receiver: Receiver, start: Start) -> None:
    receiver.behaviour["/hook"].status = 302
    receiver.behaviour["/hook"].headers = {"Location": receiver.url("/elsewhere")}
    node = start({"url": receiver.url(), "event_types": ["channel_occupied"]})
    async with await connect(node) as client:
        await client.subscribe("channel")
        await until(lambda: len(receiver.requests) >= 2)
        receiver.behaviour["/hook"].status = 200
    assert {request.path for request in receiver.requests} == {"/hook"}


async def test_a_certificate_of_an_authority_that_the_system_knows_is_good(start: Start, tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("localhost").configure_cert(context)
    async with raw_server(saying(NO_CONTENT), context=context) as server:
        settings = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        node = start({"url": f"https://localhost:{server.port}/hook"}, settings=settings)
        async with await connect(node) as client:
            await client.subscribe("channel")
            await until(lambda: node.metric("shoal_webhook_events_total", result="delivered"))


async def test_an_event_that_nobody_takes_is_kept_among_the_failed(receiver: Receiver, start: Start) -> None:
    receiver.behaviour["/hook"].answers.clear()
    node = start(
        {"url": receiver.url(), "event_types": ["channel_occupied"]},
        settings={"SHOAL_WEBHOOK_TIMEOUT": "0.3", "SHOAL_WEBHOOK_GIVE_UP_AFTER": "3"},
    )
    async with await connect(node) as client:
        await client.subscribe("channel")
        await until(lambda: node.metric("shoal_webhook_failed_events") == 1)
        receiver.behaviour["/hook"].answers.set()
    assert node.metric("shoal_webhook_requests_total", result="timeout") >= 1
    assert node.metric("shoal_webhook_events_total", result="dead") == 1
    (given_up,) = [record for record in node.records() if "given up" in record["message"]]
    assert (given_up["app"], given_up["events"]) == ("1001", 1)


async def test_a_node_that_is_alone_sends_what_it_has_before_it_ends(receiver: Receiver, start: Start) -> None:
    node = start({"url": receiver.url()}, settings={"SHOAL_WEBHOOK_BATCH_TIME": "10"})
    async with await connect(node) as client:
        await client.subscribe("channel")
        await client.unsubscribe("channel")
        await client.settled()
        assert receiver.requests == []
        node.signal(signal.SIGTERM)
        await client.expect_close()
    await until(lambda: not node.is_running)
    assert {"channel_occupied", "channel_vacated"} <= set(receiver.names())


async def test_users_own_channels_are_nobodys_business(receiver: Receiver, start: Start) -> None:
    node = start({"url": receiver.url()})
    async with await connect(node) as client:
        await client.sign_in({"id": "ana"})
        await client.subscribe("#server-to-user-ana")
        await client.subscribe("channel")
        await until(receiver.accepted)
    await until(lambda: "channel_vacated" in receiver.names())
    assert {event["channel"] for _, event in receiver.accepted()} == {"channel"}


async def test_misses_of_a_cache_channel_are_one(receiver: Receiver, start: Start) -> None:
    node = start({"url": receiver.url(), "event_types": ["cache_miss"]})
    async with await connect(node) as one, await connect(node) as two:
        for client in (one, two):
            await client.subscribe("cache-news")
        # Whatever there is to tell of those comes before this.
        await one.ask_to_subscribe("cache-other")
        await until(lambda: "cache-other" in {event["channel"] for _, event in receiver.accepted()})
    assert sorted(event["channel"] for _, event in receiver.accepted()) == ["cache-news", "cache-other"]


async def test_webhooks_can_be_added_while_the_node_runs(receiver: Receiver, start: Start, tmp_path: Path) -> None:
    config = tmp_path / "shoal.toml"
    app = '[[apps]]\nid = "1001"\nkey = "key-1001"\nsecret = "secret-1001"\n'
    config.write_text(app)
    node = start(settings={"SHOAL_CONFIG": str(config)}, without_apps=True)
    async with await connect(node) as client:
        await client.subscribe("before")
        config.write_text(app + f"[[apps.webhooks]]\nurl = {json.dumps(receiver.url())}\n")
        node.signal(signal.SIGHUP)
        node.wait_until(lambda: node.metric("shoal_configuration_reloads_total", result="done"), "has reloaded")
        await client.unsubscribe("before")
        await client.subscribe("after")
        await until(lambda: len(receiver.accepted()) == 2)
    assert sorted((event["name"], event["channel"]) for _, event in receiver.accepted()) == [
        ("channel_occupied", "after"),
        ("channel_vacated", "before"),
    ]


@pytest.mark.slow
async def test_what_a_full_line_does_not_take_comes_later_and_others_are_not_kept_waiting(
    receiver: Receiver, start: Start
) -> None:
    receiver.behaviour["/down"].status = 503
    node = start(
        *({"url": receiver.url(path), "event_types": ["channel_occupied"]} for path in ("/down", "/up")),
        settings={
            "SHOAL_WEBHOOK_BATCH_EVENTS": "1",
            "SHOAL_WEBHOOK_ENDPOINT_CONCURRENCY": "2",
            "SHOAL_WEBHOOK_ENDPOINT_QUEUE": "3",
            "SHOAL_WEBHOOK_GIVE_UP_AFTER": "120",
        },
    )
    channels = [f"channel-{number}" for number in range(12)]
    async with await connect(node) as client:
        for channel in channels[:4]:
            await client.subscribe(channel)
        await until(lambda: node.metric("shoal_webhook_requests_total", result="refused"))
        for channel in channels[4:]:
            await client.subscribe(channel)
        await until(lambda: accepted_channels(receiver, "/up") == set(channels))
        assert node.metric("shoal_webhook_events_total", result="postponed") >= 8
        receiver.behaviour["/down"].status = 200
        await until(lambda: accepted_channels(receiver, "/down") == set(channels), seconds=60.0)
