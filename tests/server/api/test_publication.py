from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.api.errors import BadRequest, TooLarge
from server.api.fields import parse_fields, parse_idempotency_key
from server.api.publication import parse_batch, parse_for_one_channel, parse_publication
from server.protocol.errors import ClientError, InvalidChannel
from server.protocol.strict_json import encode
from tests.server.api.conftest import APP

EVENT = {"name": "greeting", "data": "hello", "channels": ["a"]}
ITEM = {"name": "greeting", "data": "hello", "channel": "a"}
BIG = APP.model_copy(update={"max_event_bytes": 30720})


def refusal(fields: dict[str, Any]) -> str:
    with pytest.raises(BadRequest) as caught:
        parse_publication(fields, APP)
    return str(caught.value)


def test_event_is_read_with_everything_it_may_have() -> None:
    parsed = parse_publication({**EVENT, "socket_id": "1.2", "info": "user_count"}, APP)
    assert (parsed.name, parsed.data, list(parsed.channels)) == ("greeting", "hello", ["a"])
    assert parsed.socket_id == "1.2"
    assert parsed.info == {"user_count"}


@pytest.mark.parametrize("socket_id", ["123123", "", "nobody", "1.2.3"])
def test_odd_socket_ids_are_accepted(socket_id: str) -> None:
    assert parse_publication({**EVENT, "socket_id": socket_id}, APP).socket_id == socket_id


def test_one_channel_may_be_named_alone() -> None:
    assert list(parse_publication(ITEM, APP).channels) == ["a"]


def test_channels_named_twice_are_one_and_keep_their_order() -> None:
    fields = {**EVENT, "channels": ["b", "a", "b"], "channel": "c"}
    assert list(parse_publication(fields, APP).channels) == ["b", "a", "c"]


def test_channels_of_users_may_be_published_to() -> None:
    assert parse_publication({**EVENT, "channels": ["#server-to-user-1"]}, APP).channels["#server-to-user-1"].user


@pytest.mark.parametrize("channels", [None, [], "a", [1], [None], ["a", {}]])
def test_channels_must_be_an_array_of_strings(channels: object) -> None:
    text = refusal({**EVENT, "channels": channels})
    assert text in {
        "Missing required parameter: channel",
        "Missing required parameter: channels",
        "Expected channels parameter to be an array of strings",
    }


@pytest.mark.parametrize("name", ["", "a b", "a/b", "#private", "ä", "a\n", "x" * 165])
def test_invalid_channel_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidChannel):
        parse_publication({**EVENT, "channels": ["a", name]}, APP)


def test_channels_are_limited() -> None:
    names = [f"channel-{i}" for i in range(101)]
    assert len(parse_publication({**EVENT, "channels": names[:100]}, APP).channels) == 100
    assert refusal({**EVENT, "channels": names}) == "Too many channels (101 > 100)"


def test_encrypted_channel_must_be_alone() -> None:
    parse_publication({**EVENT, "channels": ["private-encrypted-a", "private-encrypted-a"]}, APP)
    assert refusal({**EVENT, "channels": ["a", "private-encrypted-a"]}) == (
        "Cannot publish to multiple channels when one of them is encrypted"
    )


def test_name_must_be_a_string_that_is_not_empty() -> None:
    assert refusal({**EVENT, "name": 1}) == "Expected name parameter to be a string"
    for name in (None, ""):
        assert refusal({**EVENT, "name": name}) == "Missing required parameter: name"


def test_name_is_limited_in_characters() -> None:
    parse_publication({**EVENT, "name": "é" * 200}, APP)
    assert refusal({**EVENT, "name": "n" * 201}) == "Event name of 201 characters, at most 200 are allowed"


@pytest.mark.parametrize("name", ["pusher:ping", "pusher_internal:member_added", "pusher:"])
def test_reserved_names_are_refused(name: str) -> None:
    assert refusal({**EVENT, "name": name}) == "Event names beginning with pusher: or pusher_internal: are reserved"


@pytest.mark.parametrize("name", ["pusher", "pusher-news", "client-event"])
def test_names_that_only_resemble_reserved_ones_are_accepted(name: str) -> None:
    assert parse_publication({**EVENT, "name": name}, APP).name == name


def test_data_must_be_a_string() -> None:
    assert refusal({**EVENT, "data": {"a": 1}}) == "Expected data parameter to be a string"
    assert refusal({**EVENT, "data": None}) == "Missing required parameter: data"
    assert parse_publication({**EVENT, "data": ""}, APP).data == ""


@pytest.mark.parametrize("data", ["x" * 10241, "é" * 5121, "😀" * 2561])
def test_data_is_limited_in_bytes(data: str) -> None:
    with pytest.raises(TooLarge) as caught:
        parse_publication({**EVENT, "data": data}, APP)
    assert str(caught.value) == (
        "The data content of this event exceeds the allowed maximum (10240 bytes). "
        "See https://pusher.com/docs/channels/server_api/http-api#publishing-events for more info"
    )
    assert parse_publication({**EVENT, "data": data}, BIG).data == data


@pytest.mark.parametrize("data", ["x" * 10240, "é" * 5120])
def test_data_of_just_the_limit_is_accepted(data: str) -> None:
    assert parse_publication({**EVENT, "data": data}, APP).data == data


def test_batch_is_read_in_its_order() -> None:
    parsed = parse_batch({"batch": [ITEM, {**ITEM, "channel": "b", "info": "user_count"}]}, APP)
    assert [(list(item.channels), item.info) for item in parsed] == [(["a"], frozenset()), (["b"], {"user_count"})]


def test_batch_is_limited() -> None:
    assert len(parse_batch({"batch": [ITEM] * 10}, APP)) == 10
    with pytest.raises(BadRequest, match=r"^Batch too large \(11 > 10\)$"):
        parse_batch({"batch": [ITEM] * 11}, APP)


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        (None, "Missing required parameter: batch"),
        ({}, "Expected batch parameter to be an array of objects"),
        (["a"], "Expected batch parameter to be an array of objects"),
        ([EVENT], "Missing required parameter: channel"),
        ([ITEM, {**ITEM, "name": 1}], "Expected name parameter to be a string"),
    ],
)
def test_batch_with_anything_wrong_is_refused(batch: object, text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_batch({"batch": batch}, APP)
    assert str(caught.value) == text


def test_batch_with_one_event_too_large_is_too_large() -> None:
    with pytest.raises(TooLarge):
        parse_batch({"batch": [ITEM, {**ITEM, "data": "x" * 10241}]}, APP)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
VALUES = JSON | st.sampled_from(["a", ["a"], "presence-a", "user_count", [ITEM], [ITEM, EVENT]])
NAMES = st.sampled_from(["name", "data", "channel", "channels", "socket_id", "info", "batch", "idempotency_key"])
BODIES = st.binary(max_size=60) | st.dictionaries(NAMES, VALUES).map(encode) | JSON.map(encode)


@given(BODIES)
def test_only_documented_errors_escape_whatever_the_body_is(body: bytes) -> None:
    for parse in (parse_publication, parse_batch, parse_for_one_channel):
        with contextlib.suppress(ClientError):
            fields = parse_fields(body, {}, max_depth=32)
            parse_idempotency_key(fields, "")
            parse(fields, APP)


@pytest.mark.parametrize(
    ("limits", "fits", "too_much", "text"),
    [
        (
            {"max_event_channels": 2},
            {"channels": ["a", "b"]},
            {"channels": ["a", "b", "c"]},
            "Too many channels (3 > 2)",
        ),
        (
            {"max_event_name_length": 3},
            {"name": "abc"},
            {"name": "abcd"},
            "Event name of 4 characters, at most 3 are allowed",
        ),
        ({"max_event_bytes": 4}, {"data": "éé"}, {"data": "ééx"}, "exceeds the allowed maximum (4 bytes)"),
        (
            {"max_channel_name_length": 3},
            {"channels": ["abc"]},
            {"channels": ["abcd"]},
            "Invalid channel name: 4 characters, at most 3 are allowed",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_limit_is_the_one_that_the_application_has(
    limits: dict[str, int], fits: dict[str, Any], too_much: dict[str, Any], text: str
) -> None:
    app, fields = APP.model_copy(update=limits), {"name": "n", "data": "d", "channels": ["a"]}
    assert parse_publication({**fields, **fits}, app)
    with pytest.raises(ClientError) as caught:
        parse_publication({**fields, **too_much}, app)
    assert text in str(caught.value)


def test_a_batch_has_as_many_events_as_the_application_has() -> None:
    app = APP.model_copy(update={"max_batch_events": 2})
    assert len(parse_batch({"batch": [ITEM] * 2}, app)) == 2
    with pytest.raises(BadRequest, match=r"^Batch too large \(3 > 2\)$"):
        parse_batch({"batch": [ITEM] * 3}, app)
