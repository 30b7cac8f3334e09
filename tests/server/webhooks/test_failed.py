"""``shoal webhooks``: looking at what failed, and trying it again, with real nodes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from typer.testing import CliRunner

from server.cli import app
from tests.adapter.redis.servers import running, valkey_binary
from tests.harness import Client
from tests.server.webhooks.conftest import SETTINGS, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

    from tests.harness import RunningNode
    from tests.harness.receiver import Receiver
    from tests.server.webhooks.conftest import Start

TOKEN = SETTINGS["SHOAL_DRAIN_TOKEN"]


@pytest.fixture(params=["alone", "with Redis"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    if request.param == "alone":
        yield {}
        return
    with running(valkey_binary(), tmp_path) as server:
        yield {"SHOAL_REDIS": server.url}


def asked(node: RunningNode, *arguments: str, token: str = TOKEN) -> Result:
    return CliRunner().invoke(app, ["webhooks", *arguments, "--url", node.metrics_url, "--token", token])


def listed(node: RunningNode) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(asked(node, "failed", "--json").stdout)["failed"]
    return found


async def fail(receiver: Receiver, start: Start, settings: dict[str, str], *channels: str) -> RunningNode:
    """Return a node whose events nobody took."""
    receiver.behaviour["/hook"].status = 410
    settings |= {"SHOAL_WEBHOOK_GIVE_UP_AFTER": "3"}
    node = start({"url": receiver.url("/hook"), "event_types": ["channel_occupied"]}, settings=settings)
    async with await Client.connect(node, ignored=["pusher_internal:subscription_count"]) as client:
        for channel in channels:
            await client.subscribe(channel)
        await until(lambda: node.metric("shoal_webhook_failed_events") == len(channels))
    receiver.behaviour["/hook"].status = 200
    return node


async def test_failed_events_are_listed_and_tried_again_with_their_ids(
    settings: dict[str, str], receiver: Receiver, start: Start
) -> None:
    node = await fail(receiver, start, settings, "one", "two")
    letters = listed(node)
    assert {letter["channel"] for letter in letters} == {"one", "two"}
    assert all(letter["why"] == f"{receiver.url()}: answered 410" for letter in letters)
    ids = set(receiver.requests[0].ids)
    table = asked(node, "failed").stdout
    assert table.startswith("ID")
    assert table.endswith("2 failed events\n")
    first = asked(node, "retry", letters[0]["id"])
    assert (first.exit_code, first.stdout) == (0, "1 event will be tried again\n")
    await until(lambda: len(receiver.accepted()) == 1)
    assert asked(node, "retry", "--all").stdout == "1 event will be tried again\n"
    await until(lambda: len(receiver.accepted()) == 2)
    assert {event_id for event_id, _ in receiver.accepted()} == ids
    assert listed(node) == []


def test_what_cannot_be_done_is_said(receiver: Receiver, start: Start) -> None:
    node = start({"url": receiver.url()})
    unknown = asked(node, "retry", "0-1-1~x")
    assert (unknown.exit_code, "no failed event" in unknown.stderr) == (1, True)
    assert asked(node, "retry").exit_code == 2
    assert asked(node, "retry", "x", "--all").exit_code == 2
    stranger = asked(node, "failed", token="somebody-elses-token")
    assert (stranger.exit_code, "401" in stranger.stderr) == (1, True)
    assert httpx.get(f"{node.metrics_url}/webhooks/failed").status_code == 401
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert httpx.post(f"{node.metrics_url}/webhooks/retry", headers=headers).status_code == 400
