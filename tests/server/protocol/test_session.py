from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol import codes, events
from server.protocol.auth import User
from server.protocol.effects import BecomeUser, Effect, Probe, Refuse, Relay, Send
from server.protocol.session import Session
from tests.server.protocol.wire import (
    SOCKET_ID,
    an_app,
    client_event,
    data_of,
    message,
    read,
    sign_in,
    subscribe,
    unsubscribe,
)

ALICE = {"user_id": "7", "user_info": {"name": "Alice"}}


def a_session(**settings: Any) -> Session:
    return Session(an_app(**settings), SOCKET_ID, now=100.0)


def say(session: Session, raw: bytes, *, now: float = 100.0) -> Effect:
    effects = session.receive(raw, now=now)
    assert len(effects) == 1
    return effects[0]


def error_of(effect: Effect) -> tuple[str, int | None, str]:
    """Return reason, code and text of what was refused with one ``pusher:error``."""
    assert isinstance(effect, Refuse)
    assert len(effect.payloads) == 1
    envelope = read(effect.payloads[0])
    assert envelope["event"] == "pusher:error"
    return effect.reason, envelope["data"]["code"], envelope["data"]["message"]


def test_a_ping_is_answered_and_a_pong_is_not() -> None:
    assert say(a_session(), message("pusher:ping", data={})) == Send(events.PONG)
    assert a_session().receive(message("pusher:pong"), now=100.0) == []


def test_what_is_malformed_is_answered_without_a_code() -> None:
    assert error_of(say(a_session(), b"{}")) == ("malformed", None, "a message must have an event, a string")


def test_a_binary_message_is_answered_without_a_code() -> None:
    (effect,) = a_session().receive_binary()
    assert error_of(effect) == ("binary", None, "Binary WebSocket frames are not supported")


def test_an_oversized_message_is_told_the_limit() -> None:
    (effect,) = a_session(max_frame_bytes=2048).receive_oversized()
    assert error_of(effect) == ("oversized", None, "Message exceeds the allowed maximum (2048 bytes)")


@given(st.lists(st.binary(max_size=60).filter(lambda raw: b"event" not in raw)))
def test_garbage_changes_nothing(messages: list[bytes]) -> None:
    session = a_session()
    for raw in messages:
        assert error_of(say(session, raw))[:2] == ("malformed", None)
    assert say(session, message("pusher:ping")) == Send(events.PONG)


# Time


def test_a_silent_client_is_asked_then_closed() -> None:
    session = a_session()
    times = {"activity_timeout": 120.0, "pong_timeout": 30.0}
    assert session.tick(now=219.9, **times) == []
    assert session.tick(now=220.0, **times) == [Probe()]
    assert session.tick(now=249.9, **times) == []
    assert session.tick(now=250.0, **times) == [codes.NO_PONG]


def test_anything_heard_begins_the_time_anew() -> None:
    session = a_session()
    times = {"activity_timeout": 120.0, "pong_timeout": 30.0}
    assert session.tick(now=220.0, **times) == [Probe()]
    session.heard(now=249.0)
    assert session.tick(now=368.9, **times) == []
    assert session.tick(now=369.0, **times) == [Probe()]


@pytest.mark.parametrize(
    "raw",
    [subscribe("private-a"), subscribe("presence-a", user=ALICE), sign_in({"id": "7"})],
    ids=["private", "presence", "sign-in"],
)
def test_who_authorizes_in_time_may_stay(raw: bytes) -> None:
    session = a_session(authorization_timeout=10.0)
    say(session, raw)
    assert session.tick(now=110.0, activity_timeout=120.0, pong_timeout=30.0) == []


def test_who_does_not_is_closed() -> None:
    session = a_session(authorization_timeout=10.0)
    say(session, subscribe("news"))
    say(session, message("pusher:subscribe", data={"channel": "private-a", "auth": "app-key:00"}))
    assert session.tick(now=109.9, activity_timeout=120.0, pong_timeout=30.0) == []
    assert session.tick(now=110.0, activity_timeout=120.0, pong_timeout=30.0) == [codes.NOT_AUTHORIZED_IN_TIME]


def test_a_new_time_for_authorization_begins_when_it_is_set() -> None:
    session = a_session()
    session.allow(an_app(authorization_timeout=10.0), now=200.0)
    session.heard(now=209.0)
    assert session.tick(now=209.9, activity_timeout=120.0, pong_timeout=30.0) == []
    assert session.tick(now=210.0, activity_timeout=120.0, pong_timeout=30.0) == [codes.NOT_AUTHORIZED_IN_TIME]


def test_another_change_leaves_the_time_for_authorization_as_it_is() -> None:
    session = a_session(authorization_timeout=10.0)
    session.allow(an_app(authorization_timeout=10.0, max_subscriptions=1), now=109.0)
    assert session.tick(now=110.0, activity_timeout=120.0, pong_timeout=30.0) == [codes.NOT_AUTHORIZED_IN_TIME]


def test_time_for_authorization_can_be_taken_back() -> None:
    session = a_session(authorization_timeout=10.0)
    session.allow(an_app(), now=105.0)
    session.heard(now=500.0)
    assert session.tick(now=500.0, activity_timeout=120.0, pong_timeout=30.0) == []


def test_who_has_authorized_is_not_asked_again_by_a_change() -> None:
    session = a_session()
    say(session, sign_in({"id": "7"}))
    session.allow(an_app(authorization_timeout=10.0), now=200.0)
    session.heard(now=300.0)
    assert session.tick(now=300.0, activity_timeout=120.0, pong_timeout=30.0) == []


# Client events


def test_a_client_event_is_relayed() -> None:
    session = a_session()
    say(session, subscribe("private-a"))
    effect = say(session, client_event("private-a", {"b": 1}))
    assert isinstance(effect, Relay)
    assert effect.channel == "private-a"
    assert read(effect.payload) == {"event": "client-x", "channel": "private-a", "data": '{"b":1}'}


def test_the_sender_in_a_presence_channel_is_named_by_the_subscription_not_by_the_message() -> None:
    session = a_session()
    say(session, subscribe("presence-a", user=ALICE))
    effect = say(session, message("client-x", channel="presence-a", data="d", user_id="evil", extra=1))
    assert isinstance(effect, Relay)
    assert read(effect.payload) == {"event": "client-x", "channel": "presence-a", "data": "d", "user_id": "7"}


@pytest.mark.parametrize(
    ("raw", "word", "complaint"),
    [
        *(
            (client_event(channel), "client_event_channel", "Client event rejected - only supported on private and")
            for channel in ("news", "cache-a", "#server-to-user-7")
        ),
        (
            client_event("private-b"),
            "not_subscribed",
            "Cannot broadcast client event (connection not subscribed to channel private-b)",
        ),
        (
            client_event("private-a", event="client-" + "x" * 194),
            "event_name",
            "Client event rejected - event names have at most 200",
        ),
        (
            client_event("private-a", "é" * 5121),
            "event_size",
            "Client event rejected - data exceeds the allowed maximum (10240 bytes)",
        ),
    ],
)
def test_a_client_event_against_the_rules_is_refused(raw: bytes, word: str, complaint: str) -> None:
    session = a_session()
    for channel in ("news", "cache-a", "private-a"):
        say(session, subscribe(channel))
    reason, code, text = error_of(say(session, raw))
    assert (reason, code) == (word, None)
    assert text.startswith(complaint)


def test_the_largest_client_event_is_relayed() -> None:
    session = a_session()
    say(session, subscribe("private-a"))
    effect = say(session, client_event("private-a", "é" * 5120, event="client-" + "x" * 193))
    assert isinstance(effect, Relay)


def test_client_events_are_refused_where_the_application_does_not_allow_them() -> None:
    session = a_session(client_events=False)
    say(session, subscribe("private-a"))
    assert error_of(say(session, client_event("private-a")))[2].startswith("To send client events, you must enable")


def test_after_leaving_a_channel_nothing_can_be_told_there() -> None:
    session = a_session()
    say(session, subscribe("private-a"))
    session.receive(unsubscribe("private-a"), now=100.0)
    assert error_of(say(session, client_event("private-a")))[2].startswith("Cannot broadcast client event")


def test_client_events_are_limited_by_the_second() -> None:
    session = a_session(max_client_events_per_second=2)
    say(session, subscribe("private-a"))
    assert [type(say(session, client_event("private-a"))) for _ in range(3)] == [Relay, Relay, Refuse]
    reason, code, _ = error_of(say(session, client_event("private-a"), now=100.4))
    assert (reason, code) == ("client_event_rate", 4301)
    assert isinstance(say(session, client_event("private-a"), now=100.5), Relay)
    assert isinstance(say(session, client_event("private-a"), now=100.5), Refuse)
    # However long nothing was sent, no more than a second's worth is saved.
    assert [type(say(session, client_event("private-a"), now=900.0)) for _ in range(3)] == [Relay, Relay, Refuse]


def test_a_limit_of_none_refuses_all_client_events() -> None:
    session = a_session(max_client_events_per_second=0)
    say(session, subscribe("private-a"))
    assert isinstance(say(session, client_event("private-a"), now=900.0), Refuse)


def test_events_that_are_refused_cost_no_allowance() -> None:
    session = a_session(max_client_events_per_second=1)
    say(session, subscribe("private-a"))
    for _ in range(5):
        say(session, client_event("private-b"))
    assert isinstance(say(session, client_event("private-a")), Relay)


# Users


def test_a_sign_in_makes_a_user_and_is_confirmed_with_what_was_signed() -> None:
    effect = say(a_session(), sign_in({"id": "7", "user_info": {"n": 1}}))
    assert isinstance(effect, BecomeUser)
    assert effect.user == User("7", b'{"n":1}', ())
    (confirmation,) = effect.confirmations
    assert read(confirmation)["event"] == "pusher:signin_success"
    assert data_of(confirmation) == {"user_data": '{"id": "7", "user_info": {"n": 1}}'}


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (
            sign_in({"id": "7"}, socket_id="12.35"),
            "Invalid signature: Expected HMAC SHA256 hex digest of 12.34::user::",
        ),
        (sign_in({}), "user_data must include an id"),
        (sign_in({"id": 7}), "user_data must include an id"),
        (sign_in({"id": "7", "watchlist": "8"}), "watchlist supplied to signin is invalid"),
    ],
)
def test_a_bad_sign_in_is_refused_and_the_connection_stays(raw: bytes, complaint: str) -> None:
    session = a_session()
    reason, code, text = error_of(say(session, raw))
    assert (reason, code) == ("signin", None)
    assert text.startswith(complaint)
    assert session.user is None


def test_a_second_sign_in_is_confirmed_as_the_same_user_and_refused_as_another() -> None:
    session = a_session()
    say(session, sign_in({"id": "7"}))
    again = say(session, sign_in({"id": "7"}))
    assert isinstance(again, Send)
    assert read(again.payload)["event"] == "pusher:signin_success"
    assert error_of(say(session, sign_in({"id": "8"})))[2].startswith("Connection is signed in as 7 already")
    assert session.user == User("7", b"", ())


def test_a_watchlist_too_long_is_cut_and_said_to_be() -> None:
    effect = say(a_session(watchlists=True, max_watchlist=2), sign_in({"id": "7", "watchlist": ["a", "b", "c"]}))
    assert isinstance(effect, BecomeUser)
    assert effect.user.watchlist == ("a", "b")
    error = read(effect.confirmations[1])
    assert (error["event"], error["data"]["code"]) == ("pusher:error", 4302)
