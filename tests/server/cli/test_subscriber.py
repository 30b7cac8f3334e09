"""What ``shoal tail`` says to a server and shows of its answers, by value."""

from __future__ import annotations

import json

import pytest

from server.cli.subscriber import Note, Send, Show, Subscriber, reconnect_delay

# Key, secret and socket id of the examples in the documentation of Pusher Channels; signatures made with openssl.
KEY, SECRET = "278d425bdf160c739803", b"7ad3773142a6692b25b8"
HELLO = json.dumps(
    {"event": "pusher:connection_established", "data": '{"socket_id":"1234.1234","activity_timeout":30}'}
)


def a_subscriber(*channels: str) -> Subscriber:
    return Subscriber(channels, key=KEY, secret=SECRET)


def sent(subscriber: Subscriber, text: str) -> list[dict[str, object]]:
    effects = subscriber.received(text)
    messages = [json.loads(effect.text) for effect in effects if isinstance(effect, Send)]
    assert len(messages) == len(effects)
    return messages


def an_event(event: str, **more: object) -> str:
    return json.dumps({"event": event, **more})


def test_channels_are_subscribed_to_when_the_server_said_hello() -> None:
    subscriber = a_subscriber("one", "two")
    assert not subscriber.is_established
    assert sent(subscriber, HELLO) == [
        {"event": "pusher:subscribe", "data": {"channel": "one"}},
        {"event": "pusher:subscribe", "data": {"channel": "two"}},
    ]
    assert subscriber.is_established


def test_private_channel_is_signed() -> None:
    signature = "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
    assert sent(a_subscriber("private-foobar"), HELLO) == [
        {"event": "pusher:subscribe", "data": {"channel": "private-foobar", "auth": f"{KEY}:{signature}"}}
    ]


def test_presence_channel_is_joined_as_a_member() -> None:
    signature = "7381fb14047be23270732f28b7093c9d3f9894898aed51ab9b45c675b92b0562"
    [message] = sent(a_subscriber("presence-foobar"), HELLO)
    assert message == {
        "event": "pusher:subscribe",
        "data": {
            "channel": "presence-foobar",
            "auth": f"{KEY}:{signature}",
            "channel_data": '{"user_id": "shoal-tail"}',
        },
    }


def test_ping_is_answered() -> None:
    assert sent(a_subscriber(), an_event("pusher:ping", data="{}")) == [{"event": "pusher:pong", "data": {}}]


def test_pong_is_nothing_to_show() -> None:
    assert a_subscriber().received(an_event("pusher:pong", data="{}")) == []


@pytest.mark.parametrize("event", ["my-event", "pusher_internal:member_added", "pusher:cache_miss", "client-x"])
def test_events_of_a_channel_are_shown(event: str) -> None:
    text = an_event(event, channel="c", data='{"a":1}')
    assert a_subscriber().received(text) == [Show("c", event, '{"a":1}')]


def test_sender_of_a_client_event_is_kept() -> None:
    text = an_event("client-x", channel="presence-c", data="", user_id="7")
    assert a_subscriber().received(text) == [Show("presence-c", "client-x", "", user_id="7")]


@pytest.mark.parametrize(("data", "shown"), [({"a": 1}, '{"a": 1}'), (None, "null"), ("plain", "plain")])
def test_data_is_text_whatever_it_was(data: object, shown: str) -> None:
    assert a_subscriber().received(an_event("e", channel="c", data=data)) == [Show("c", "e", shown)]


def test_event_without_channel_or_data_is_shown() -> None:
    assert a_subscriber().received(an_event("e")) == [Show("-", "e", "")]


def test_subscription_is_noted() -> None:
    text = an_event("pusher_internal:subscription_succeeded", channel="c", data="{}")
    assert a_subscriber().received(text) == [Note("subscribed to c")]


@pytest.mark.parametrize(("code", "note"), [(4001, "error 4001: no"), (None, "error: no")])
def test_error_is_noted(code: int | None, note: str) -> None:
    assert a_subscriber().received(an_event("pusher:error", data={"code": code, "message": "no"})) == [Note(note)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        "3",
        "{}",
        an_event("pusher:connection_established"),
        an_event("pusher:connection_established", data="x"),
        an_event("pusher:connection_established", data="{}"),
        an_event("pusher:connection_established", data={}),
        an_event("pusher:error", data="text"),
    ],
)
def test_what_is_not_of_the_protocol_is_noted_and_harmless(text: str) -> None:
    subscriber = a_subscriber("c")
    assert subscriber.received(text) == [Note(f"not a message of the protocol: {text}")]
    assert not subscriber.is_established


@pytest.mark.parametrize(
    ("code", "was_established", "delay"),
    [
        (4000, True, None),
        (4001, False, None),
        (4099, True, None),
        (4100, True, 1.0),
        (4199, True, 1.0),
        (4200, True, 0.0),
        (4299, True, 0.0),
        (4200, False, 1.0),
        (4300, True, 1.0),
        (1000, True, 1.0),
        (1006, False, 1.0),
    ],
)
def test_close_code_decides_when_to_come_back(code: int, was_established: bool, delay: float | None) -> None:
    assert reconnect_delay(code, was_established=was_established) == delay


def test_who_is_refused_on_all_channels_need_not_wait() -> None:
    subscriber = a_subscriber("one", "two")
    subscriber.received(HELLO)
    assert not subscriber.is_refused
    subscriber.received(an_event("pusher:subscription_error", channel="one", data="{}"))
    assert not subscriber.is_refused
    subscriber.received(an_event("pusher:subscription_error", channel="two", data="{}"))
    assert subscriber.is_refused
