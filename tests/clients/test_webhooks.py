"""Webhooks are read by the verifiers of Pusher's own libraries, for Node and for Python."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from server.apps.webhook import EventType
from tests.clients.scenarios import FOLDER
from tests.harness import Client, start_node
from tests.harness.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pusher import Pusher

    from tests.harness.receiver import Request

pytestmark = pytest.mark.clients

APP = {"id": "1001", "key": "key-1001", "secret": "secret-1001", "client_events": True, "subscription_count": True}
TYPES: set[str] = set(EventType.__args__)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def requests() -> Iterator[list[Request]]:
    """Requests of a node, with every type of event."""
    with Receiver() as receiver:
        app = {**APP, "webhooks": [{"url": receiver.url()}]}
        settings = {"SHOAL_WEBHOOK_DEBOUNCE": "0.1", "SHOAL_WEBHOOK_BATCH_TIME": "0.1"}
        with start_node(settings, apps=[app]) as node:
            asyncio.run(_do_everything(node, receiver))
        yield list(receiver.requests)


async def _do_everything(node: Any, receiver: Receiver) -> None:
    async with await Client.connect(node, ignored=["pusher_internal:subscription_count"]) as client:
        await client.subscribe("presence-room", user={"user_id": "zażółć"})
        await client.send("client-typing", {"who": "żółw"}, "presence-room")
        await client.unsubscribe("presence-room")
        await client.subscribe("cache-news")
        await asyncio.to_thread(receiver.wait_until, lambda: set(receiver.names()) == TYPES)


def read_by_node(requests: list[Request]) -> list[dict[str, Any]]:
    asked = [{"headers": request.headers, "rawBody": request.body.decode()} for request in requests]
    text = json.dumps({"key": APP["key"], "secret": APP["secret"], "requests": asked})
    script = FOLDER / "pusher_node" / "webhooks.mjs"
    done = subprocess.run(["node", str(script)], input=text, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    read: list[dict[str, Any]] = json.loads(done.stdout)
    return read


@pytest.mark.usefixtures("javascript")
def test_npms_pusher_reads_all_of_them(requests: list[Request]) -> None:
    read = read_by_node(requests)
    assert all(one["isValid"] for one in read)
    assert {event["name"] for one in read for event in one["events"]} == TYPES
    assert all(abs(one["time"] - time.time() * 1000) < 300_000 for one in read)


@pytest.mark.usefixtures("javascript")
def test_npms_pusher_refuses_what_was_changed(requests: list[Request]) -> None:
    first = requests[0]
    changed = type(first)(first.path, first.headers, first.body.replace(b"channel", b"kanal"), first.at, first.status)
    assert [one["isValid"] for one in read_by_node([changed])] == [False]


def test_pypis_pusher_reads_all_of_them(requests: list[Request], create_backend: Callable[..., Pusher]) -> None:
    backend = create_backend(APP)
    names = set()
    for request in requests:
        headers = request.headers
        read = backend.validate_webhook(headers["x-pusher-key"], headers["x-pusher-signature"], request.body.decode())
        assert read is not None
        names |= {event["name"] for event in read["events"]}
    assert names == TYPES


def test_all_values_are_scalars(requests: list[Request]) -> None:
    values = [value for request in requests for event in request.events for value in event.values()]
    assert {type(value) for value in values} == {str, int}
