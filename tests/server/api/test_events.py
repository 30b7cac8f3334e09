from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from adapter.base import topic_of
from tests.server.api.conftest import APP, Counted

if TYPE_CHECKING:
    import httpx

    from adapter.local import LocalAdapter
    from tests.server.api.back_end import BackEnd
    from tests.server.api.receiver import Notes

EVENT = {"name": "greeting", "data": '{"hello":"wörld"}', "channels": ["a"]}
A, B = topic_of(APP.id, "a"), topic_of(APP.id, "b")


def text_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return answer.status_code, answer.text


@pytest.fixture(autouse=True)
def watching(adapter: LocalAdapter) -> None:
    for name in ("a", "b", "presence-a", "cache-a", "#server-to-user-1"):
        adapter.watch(topic_of(APP.id, name))


async def test_event_is_published_and_answered_with_an_empty_object(back_end: BackEnd, notes: Notes) -> None:
    answer = await back_end.post("/events", EVENT)
    assert (answer.status_code, answer.content) == (200, b"{}")
    assert answer.headers["content-type"] == "application/json"
    assert notes.messages == [(A, "greeting", '{"hello":"wörld"}', "")]


async def test_event_goes_to_each_channel_once_in_their_order(back_end: BackEnd, notes: Notes) -> None:
    await back_end.post("/events", {**EVENT, "channels": ["b", "a", "b"]})
    assert [message.topic for message in notes.messages] == [B, A]


async def test_sender_is_handed_on_to_be_left_out(back_end: BackEnd, notes: Notes) -> None:
    await back_end.post("/events", {**EVENT, "socket_id": "123.456"})
    assert notes.messages[0].sender == "123.456"


async def test_event_may_be_described_in_the_query_alone(back_end: BackEnd, notes: Notes) -> None:
    answer = await back_end.post("/events", b"", {"name": "n+m & more", "data": "d%41", "channel": "a"})
    assert answer.status_code == 200
    assert notes.messages == [(A, "n+m & more", "d%41", "")]


async def test_signed_in_user_is_reached(back_end: BackEnd, notes: Notes) -> None:
    await back_end.post("/events", {**EVENT, "channels": ["#server-to-user-1"]})
    assert notes.messages[0].topic == topic_of(APP.id, "#server-to-user-1")


async def test_nothing_is_published_if_anything_is_wrong(back_end: BackEnd, notes: Notes) -> None:
    item = {"name": "n", "data": "d", "channel": "a"}
    for path, body in (
        ("/events", {**EVENT, "channels": ["a", "not valid"]}),
        ("/batch_events", {"batch": [item, {**item, "name": "pusher:x"}]}),
        ("/batch_events", {"batch": [item, {**item, "info": "x"}]}),
        ("/events", {**EVENT, "idempotency_key": "k" * 257}),
    ):
        assert (await back_end.post(path, body)).status_code == 400
    assert notes.messages == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "invalid JSON: "),
        (b"\xff\xfe", "invalid JSON: "),
        (b'{"name":"\\ud800"}', "invalid JSON: "),
        (b'{"name":' + b"[" * 40 + b"]" * 40 + b"}", "JSON nests deeper than 32 levels"),
        (b"[]", "Expected the body to be a JSON object"),
        ({**EVENT, "channels": ["not valid"]}, "Invalid channel name 'not valid': "),
        ({**EVENT, "name": 1}, "Expected name parameter to be a string"),
        ({**EVENT, "info": "does-not-exist"}, "info should be a comma separated list of attributes"),
    ],
)
async def test_what_is_wrong_is_said_in_a_line_of_text(back_end: BackEnd, body: Any, text: str) -> None:
    status, answer = text_of(await back_end.post("/events", body))
    assert status == 400
    assert answer.startswith(text)
    assert answer.endswith("\n")


async def test_too_much_data_is_413(back_end: BackEnd) -> None:
    assert text_of(await back_end.post("/events", {**EVENT, "data": "x" * 10241})) == (
        413,
        "The data content of this event exceeds the allowed maximum (10240 bytes). "
        "See https://pusher.com/docs/channels/server_api/http-api#publishing-events for more info\n",
    )


async def test_info_is_answered_for_each_channel_as_far_as_it_applies(back_end: BackEnd, adapter: LocalAdapter) -> None:
    presence = topic_of(APP.id, "presence-a")
    await adapter.enter(presence, "1")
    adapter.count(presence, 2)
    info = {"channels": ["presence-a", "b"], "info": "user_count,subscription_count"}
    answer = await back_end.post("/events", {**EVENT, **info})
    assert answer.json() == {
        "channels": {"presence-a": {"user_count": 1, "subscription_count": 2}, "b": {"subscription_count": 0}}
    }


async def test_info_that_applies_to_no_channel_leaves_them_empty(back_end: BackEnd) -> None:
    answer = await back_end.post("/events", {**EVENT, "info": "user_count,cache"})
    assert answer.json() == {"channels": {"a": {}}}


async def test_batch_is_published_in_its_order(back_end: BackEnd, notes: Notes) -> None:
    batch = [{"name": f"n{i}", "data": "d", "channel": "ab"[i % 2], "socket_id": f"{i}.1"} for i in range(4)]
    answer = await back_end.post("/batch_events", {"batch": batch})
    assert (answer.status_code, answer.content) == (200, b"{}")
    assert notes.messages == [
        (A, "n0", "d", "0.1"),
        (B, "n1", "d", "1.1"),
        (A, "n2", "d", "2.1"),
        (B, "n3", "d", "3.1"),
    ]


async def test_batch_info_is_in_line_with_its_events(back_end: BackEnd, adapter: LocalAdapter) -> None:
    adapter.count(B, 7)
    batch = [
        {"name": "n", "data": "d", "channel": "a"},
        {"name": "n", "data": "d", "channel": "b", "info": "subscription_count"},
        {"name": "n", "data": "d", "channel": "b"},
    ]
    answer = await back_end.post("/batch_events", {"batch": batch})
    assert answer.json() == {"batch": [{}, {"subscription_count": 7}, {}]}


async def test_empty_batch_is_fine(back_end: BackEnd) -> None:
    assert (await back_end.post("/batch_events", {"batch": []})).content == b"{}"


async def test_batch_too_large_is_refused(back_end: BackEnd) -> None:
    item = {"name": "n", "data": "d", "channel": "a"}
    answer = await back_end.post("/batch_events", {"batch": [item] * 11})
    assert text_of(answer) == (400, "Batch too large (11 > 10)\n")


async def test_deprecated_form_publishes_its_body(back_end: BackEnd, notes: Notes) -> None:
    answer = await back_end.post("/channels/a/events", b'{"raw":1}', {"name": "n", "socket_id": "1.2"})
    assert (answer.status_code, answer.content) == (202, b"{}")
    assert notes.messages == [(A, "n", '{"raw":1}', "1.2")]


async def test_deprecated_form_needs_utf_8(back_end: BackEnd) -> None:
    status, text = text_of(await back_end.post("/channels/a/events", b"\xff", {"name": "n"}))
    assert status == 400
    assert text.startswith("Expected the body to be UTF-8: ")


async def test_cache_channel_remembers_its_last_event(back_end: BackEnd, adapter: LocalAdapter) -> None:
    for data in ("first", "last"):
        await back_end.post("/events", {**EVENT, "data": data, "channels": ["cache-a", "a"]})
    remembered = await adapter.remembered(topic_of(APP.id, "cache-a"))
    assert remembered is not None
    assert json.loads(remembered.payload)["data"] == "last"
    assert remembered.ttl == pytest.approx(APP.cache_ttl, abs=60)
    assert await adapter.remembered(A) is None


@pytest.mark.parametrize("way", ["field", "header"])
async def test_repetition_with_the_same_idempotency_key_has_no_effect(
    back_end: BackEnd, notes: Notes, way: str
) -> None:
    fields = {"idempotency_key": "k"} if way == "field" else {}
    headers = {"Idempotency-Key": "k"} if way == "header" else {}
    for _ in range(2):
        answer = await back_end.post("/events", {**EVENT, **fields}, headers=headers)
        assert (answer.status_code, answer.content) == (200, b"{}")
    assert len(notes.messages) == 1


async def test_different_or_no_idempotency_keys_are_different_events(back_end: BackEnd, notes: Notes) -> None:
    for key in ("k", "l", "", ""):
        await back_end.post("/events", {**EVENT, "idempotency_key": key})
    assert len(notes.messages) == 4


async def test_events_of_a_batch_for_one_channel_are_not_repetitions_of_each_other(
    back_end: BackEnd, notes: Notes
) -> None:
    batch = [{"name": f"n{i}", "data": "d", "channel": "a"} for i in range(3)]
    for _ in range(2):
        await back_end.post("/batch_events", {"batch": batch, "idempotency_key": "k"})
    assert [message.event for message in notes.messages] == ["n0", "n1", "n2"]


async def test_publications_are_counted_by_message(back_end: BackEnd, counted: Counted) -> None:
    await back_end.post("/events", {**EVENT, "data": "d", "channels": ["a", "b"]})
    await back_end.post("/batch_events", {"batch": [{"name": "n", "data": "", "channel": "a"}]})
    await back_end.post("/events", {**EVENT, "data": None})
    sizes = [2 * len('{"event":"greeting","channel":"a","data":"d"}'), len('{"event":"n","channel":"a","data":""}')]
    assert counted.publications == [(APP.id, 2, sizes[0]), (APP.id, 1, sizes[1])]
    assert counted.requests == [
        ("/apps/{app_id}/events", 200),
        ("/apps/{app_id}/batch_events", 200),
        ("/apps/{app_id}/events", 400),
    ]
