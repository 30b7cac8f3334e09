"""The request that a back end gets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapter.base import Topic
from adapter.outbox import Notice
from server.webhooks.batch import Batch, Pending
from server.webhooks.endpoints import Endpoint
from server.webhooks.events import event_of

ENDPOINT = Endpoint("app", "https://example.com/hook")


def a_notice(kind: str, *, channel: str = "c", number: int = 1, at: float = 1403175510.755, **given: Any) -> Notice:
    values = {"user": "", "payload": b""} | given
    return Notice(f"3-{number}", Topic(f"app/{channel}"), kind, at=at, age=0.0, **values)


def a_batch(*notices: Notice) -> Batch:
    return Batch(ENDPOINT, [Pending(notice, event_of(notice), 0.0) for notice in notices])


def test_a_request_has_pushers_form_and_its_signature() -> None:
    batch = a_batch(a_notice("vacated", channel="test_channel"))
    # The order of the fields doesn't matter to anybody; the time does.
    assert json.loads(batch.body) == {
        "time_ms": 1403175510755,
        "events": [{"channel": "test_channel", "name": "channel_vacated"}],
    }
    headers = batch.headers("key", b"tofu", {})
    assert headers["X-Pusher-Key"] == "key"
    assert headers["Content-Type"] == "application/json"


def test_the_signature_is_that_of_pushers_own_example() -> None:
    batch = a_batch(a_notice("vacated", channel="test_channel"))
    batch.body = b'{"time_ms":1403175510755,"events":[{"channel":"test_channel","name":"channel_vacated"}]}'
    signature = batch.headers("key", b"tofu", {})["X-Pusher-Signature"]
    assert signature == "c17257e92037cd7de407ebc1ed174ceb7b2e518db127f44411b9ffc4f5b28cc5"


def test_a_request_bears_the_time_of_its_first_event_and_the_ids_of_all() -> None:
    batch = a_batch(a_notice("occupied", number=1, at=20.0), a_notice("vacated", number=2, at=10.0))
    assert json.loads(batch.body)["time_ms"] == 10_000
    assert batch.headers("k", b"s", {})["X-Shoal-Event-Ids"] == "3-1,3-2"


def test_an_applications_headers_do_not_replace_ours() -> None:
    headers = a_batch(a_notice("occupied")).headers("k", b"s", {"X-Pusher-Key": "forged", "X-More": "1"})
    assert (headers["X-Pusher-Key"], headers["X-More"]) == ("k", "1")


@pytest.mark.parametrize(
    ("notice", "event"),
    [
        (a_notice("occupied"), {"name": "channel_occupied", "channel": "c"}),
        (a_notice("joined", user='"é'), {"name": "member_added", "channel": "c", "user_id": '"é'}),
        (a_notice("left", user="1"), {"name": "member_removed", "channel": "c", "user_id": "1"}),
        (a_notice("counted", payload=b"12"), {"name": "subscription_count", "channel": "c", "subscription_count": 12}),
        (a_notice("cache_miss"), {"name": "cache_miss", "channel": "c"}),
        (
            a_notice("client_event", payload=b'1.2\n{"event":"client-x","channel":"c","data":"{\\"a\\":\\n1}"}'),
            {"name": "client_event", "channel": "c", "event": "client-x", "data": '{"a":\n1}', "socket_id": "1.2"},
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Notice) else "",
)
def test_each_kind_of_event_has_scalar_values_only(notice: Notice, event: dict[str, Any]) -> None:
    assert json.loads(event_of(notice)) == event


@pytest.mark.parametrize("payload", [b"", b"1.2", b"1.2\n{}", b'1.2\n{"event":"client-x","data":{}}', b"1.2\n\xff"])
def test_what_cannot_be_read_is_a_value_error(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        event_of(a_notice("client_event", payload=payload))
