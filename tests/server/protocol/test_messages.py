from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol.errors import Malformed
from server.protocol.messages import ClientEvent, Message, Ping, Pong, SignIn, Subscribe, Unsubscribe, parse
from tests.server.protocol.wire import message


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"event":"pusher:ping","data":{}}', Ping()),
        (b'{"event": "pusher:ping"}', Ping()),
        (b'{"event":"pusher:ping","data":""}', Ping()),
        (b'{"event":"pusher:pong","data":{}}', Pong()),
        (b'{"event":"pusher:subscribe","data":{"channel":"a"}}', Subscribe("a")),
        (b'{"event":"pusher:subscribe","data":{"auth":"","channel":"a"}}', Subscribe("a")),
        (b'{"event":"pusher:subscribe","data":{"auth":null,"channel":"a","channel_data":null}}', Subscribe("a")),
        (
            b'{"event":"pusher:subscribe","data":{"auth":"k:s","channel_data":"{}","channel":"presence-a"}}',
            Subscribe("presence-a", "k:s", "{}"),
        ),
        (b'{"event":"pusher:subscribe","data":"{\\"channel\\":\\"a\\"}"}', Subscribe("a")),
        (b'{"event":"pusher:unsubscribe","data":{"channel":"a"}}', Unsubscribe("a")),
        (b'{"event":"pusher:signin","data":{"auth":"k:s","user_data":"{}"}}', SignIn("k:s", "{}")),
        (b'{"event":"client-x","channel":"private-a","data":"text"}', ClientEvent("private-a", "client-x", "text")),
        (b'{"event":"client-x","channel":"a","data":{"b": 1.0}}', ClientEvent("a", "client-x", '{"b":1.0}')),
        (b'{"event":"client-x","channel":"a"}', ClientEvent("a", "client-x", "null")),
        (b'{"event":"client-x","channel":"a","data":"","user_id":"evil"}', ClientEvent("a", "client-x", "")),
        ('{"event":"client-é","channel":"a","data":"😀"}'.encode(), ClientEvent("a", "client-é", "😀")),
    ],
)
def test_what_clients_say_is_understood(raw: bytes, expected: Message) -> None:
    assert parse(raw) == expected
    assert parse(bytearray(raw)) == expected


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"", "invalid JSON"),
        (b"hello", "invalid JSON"),
        (b"\x00\xff", "invalid JSON"),
        (b"[]", "a message must be a JSON object"),
        (b'"pusher:ping"', "a message must be a JSON object"),
        (b"null", "a message must be a JSON object"),
        (b"{}", "a message must have an event, a string"),
        (b'{"event":null}', "a message must have an event, a string"),
        (b'{"event":["pusher:ping"]}', "a message must have an event, a string"),
        (b'{"Event":"pusher:ping"}', "a message must have an event, a string"),
        (b'{"event":"pusher:subscribe"}', "pusher:subscribe must have data, an object"),
        (b'{"event":"pusher:subscribe","data":null}', "pusher:subscribe must have data, an object"),
        (b'{"event":"pusher:subscribe","data":[]}', "pusher:subscribe must have data, an object"),
        (b'{"event":"pusher:subscribe","data":"[]"}', "pusher:subscribe must have data, an object"),
        (b'{"event":"pusher:subscribe","data":"{"}', "invalid JSON"),
        (b'{"event":"pusher:subscribe","data":{}}', "pusher:subscribe must have channel, a string"),
        (b'{"event":"pusher:subscribe","data":{"channel":7}}', "pusher:subscribe must have channel, a string"),
        (b'{"event":"pusher:subscribe","data":{"channel":null}}', "pusher:subscribe must have channel, a string"),
        (
            b'{"event":"pusher:subscribe","data":{"channel":"a","auth":1}}',
            "pusher:subscribe must have auth, a string",
        ),
        (
            b'{"event":"pusher:subscribe","data":{"channel":"a","channel_data":{}}}',
            "pusher:subscribe must have channel_data, a string",
        ),
        (b'{"event":"pusher:unsubscribe"}', "pusher:unsubscribe must have data, an object"),
        (b'{"event":"pusher:unsubscribe","data":{"channel":{}}}', "pusher:unsubscribe must have channel, a string"),
        (b'{"event":"pusher:signin","data":{}}', "pusher:signin must have auth, a string"),
        (b'{"event":"pusher:signin","data":{"auth":"a"}}', "pusher:signin must have user_data, a string"),
        (
            b'{"event":"pusher:signin","data":{"auth":"a","user_data":{}}}',
            "pusher:signin must have user_data, a string",
        ),
        (b'{"event":"client-x","data":"d"}', "client-x must have channel, a string"),
        (b'{"event":"client-x","channel":["a"],"data":"d"}', "client-x must have channel, a string"),
        (b'{"event":"news","channel":"a","data":"d"}', "Unsupported event received on socket: news"),
        (b'{"event":""}', "Unsupported event received on socket: "),
        (b'{"event":"pusher:error"}', "Unsupported event received on socket: pusher:error"),
        (b'{"event":"pusher_internal:member_added"}', "Unsupported event received on socket: pusher_internal:"),
    ],
)
def test_what_clients_must_not_say_is_malformed(raw: bytes, complaint: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse(raw)
    assert str(caught.value).startswith(complaint)


def test_a_complaint_repeats_no_more_than_a_part_of_what_was_sent() -> None:
    for raw in (message("x" * 9000), message("client-" + "x" * 9000)):
        with pytest.raises(Malformed) as caught:
            parse(raw)
        assert len(str(caught.value)) < 300


def test_depth_is_limited_in_the_message_and_in_data_that_is_a_string() -> None:
    deep: Any = "a"
    for _ in range(5):
        deep = [deep]
    outside = message("client-x", channel="a", data=deep)
    inside = message("pusher:subscribe", data=json.dumps({"channel": "a", "x": deep}))
    for raw in (outside, inside):
        parse(raw, max_depth=6)
        with pytest.raises(Malformed, match="deeper than 5 levels"):
            parse(raw, max_depth=5)


_SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=10)
_ANY = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
_EVENTS = st.sampled_from(
    ["pusher:ping", "pusher:subscribe", "pusher:unsubscribe", "pusher:signin", "client-x", "pusher:", ""]
)
_FIELDS = st.sampled_from(["channel", "auth", "channel_data", "user_data", "x"])


@given(_EVENTS | _ANY, st.dictionaries(_FIELDS, _ANY) | _ANY, _ANY)
def test_fields_of_any_type_make_a_message_or_are_malformed(event: Any, data: Any, channel: Any) -> None:
    raw = json.dumps({"event": event, "data": data, "channel": channel}).encode()
    try:
        parsed = parse(raw)
    except Malformed:
        return
    assert isinstance(parsed, Message)


@given(st.binary(max_size=100).filter(lambda raw: b"event" not in raw))
def test_garbage_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        parse(raw)
