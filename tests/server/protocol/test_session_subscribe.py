from __future__ import annotations

from typing import Any

import pytest

from server.protocol.auth import Member
from server.protocol.effects import Confirm, Effect, Join, Leave, Refuse
from server.protocol.names import Kind
from server.protocol.session import Session
from tests.server.protocol import wire
from tests.server.protocol.wire import SOCKET_ID, an_app, data_of, message, read, signed, subscribe, unsubscribe

PRESENCE = Kind(private=True, presence=True)
ALICE = {"user_id": "7", "user_info": {"name": "Alice"}}


def a_session(**settings: Any) -> Session:
    return Session(an_app(**settings), SOCKET_ID, now=100.0)


def only(effects: list[Effect]) -> Effect:
    assert len(effects) == 1
    return effects[0]


def say(session: Session, raw: bytes) -> Effect:
    return only(session.receive(raw, now=100.0))


def refusal_of(session: Session, raw: bytes) -> tuple[str, str]:
    """Return the reason and the text of a refused subscription, having checked both of its messages."""
    effect = say(session, raw)
    assert isinstance(effect, Refuse)
    for_channel, for_connection = effect.payloads
    error = read(for_connection)["data"]
    assert read(for_channel)["event"] == "pusher:subscription_error"
    assert error == {"code": None, "message": data_of(for_channel)["error"]}, "a code would end Pysher's connection"
    return effect.reason, error["message"]


def signed_subscribe(channel: str, auth: str | None = None, **data: Any) -> bytes:
    return message("pusher:subscribe", data={"channel": channel, "auth": auth} | data)


def test_a_public_channel_is_joined_without_a_signature() -> None:
    assert say(a_session(), subscribe("news")) == Join("news", Kind(), None)
    assert say(a_session(), signed_subscribe("news", auth="nonsense")) == Join("news", Kind(), None)
    assert say(a_session(), subscribe("cache-news")) == Join("cache-news", Kind(cache=True), None)


def test_a_private_channel_is_joined_with_a_signature() -> None:
    assert say(a_session(), subscribe("private-a")) == Join("private-a", Kind(private=True), None)


def test_channel_data_of_a_private_channel_is_covered_by_its_signature() -> None:
    auth = signed(SOCKET_ID, "private-a", "anything")
    joined = say(a_session(), signed_subscribe("private-a", auth, channel_data="anything"))
    assert joined == Join("private-a", Kind(private=True), None)
    reason, _ = refusal_of(a_session(), signed_subscribe("private-a", auth))
    assert reason == "unauthorized"


def test_a_presence_channel_is_joined_as_a_member() -> None:
    joined = say(a_session(), subscribe("presence-a", user=ALICE))
    assert joined == Join("presence-a", PRESENCE, Member("7", b'{"name":"Alice"}'))


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (message("pusher:subscribe", data={"channel": "private-a"}), "Invalid key in subscription auth data: ''"),
        (signed_subscribe("private-a", "other-key:00"), "Invalid key in subscription auth data: 'other-key'"),
        (
            signed_subscribe("private-a", "app-key:00"),
            "Invalid signature: Expected HMAC SHA256 hex digest of 12.34:private-a, but got 00",
        ),
        (subscribe("private-a", socket_id="12.35"), "Invalid signature: "),
        (subscribe("private-encrypted-cache-a", socket_id="12.35"), "Invalid signature: "),
        (subscribe("presence-a", user=ALICE, socket_id="12.35"), "Invalid signature: "),
        (subscribe("presence-a", user={}), "channel_data must include a user_id"),
        (subscribe("presence-a"), "channel_data must include a user_id"),
        (subscribe("presence-a", user={"user_id": "7", "user_info": "x"}), "user_info supplied to presence"),
        (subscribe("presence-a", user={"user_id": "7" * 129}), "user_id of 129 characters"),
        (subscribe("presence-a", user={"user_id": "7", "x": "x" * 1024}), "channel_data of presence-a exceeds"),
        (subscribe("#server-to-user-7"), "Only a connection signed in as that user may subscribe"),
    ],
)
def test_who_may_not_join_is_told_why_and_stays_connected(raw: bytes, complaint: str) -> None:
    session = a_session()
    reason, text = refusal_of(session, raw)
    assert reason == "unauthorized"
    assert text.startswith(complaint)
    assert not session.subscriptions


@pytest.mark.parametrize("name", ["", "a b", "#x", "a" * 165, "a\x00", "é"])
def test_a_channel_that_can_not_be_is_refused_as_a_bad_request(name: str) -> None:
    session = a_session()
    effect = say(session, subscribe(name))
    assert isinstance(effect, Refuse)
    assert effect.reason == "invalid_channel"
    assert data_of(effect.payloads[0])["status"] == 400
    assert data_of(effect.payloads[0])["error"].startswith("Invalid channel name")
    assert not session.subscriptions


def test_a_second_subscription_is_confirmed_and_changes_nothing() -> None:
    session = a_session()
    say(session, subscribe("presence-a", user=ALICE))
    assert say(session, subscribe("presence-a", user={"user_id": "8"})) == Confirm("presence-a")
    assert session.subscriptions == {"presence-a": Member("7", b'{"name":"Alice"}')}


def test_a_second_subscription_needs_its_signature_too() -> None:
    session = a_session()
    say(session, subscribe("private-a"))
    assert refusal_of(session, signed_subscribe("private-a", "app-key:00"))[0] == "unauthorized"
    assert "private-a" in session.subscriptions


def test_a_channel_that_was_left_is_joined_anew() -> None:
    session = a_session()
    joined = say(session, subscribe("presence-a", user=ALICE))
    assert isinstance(joined, Join)
    assert say(session, unsubscribe("presence-a")) == Leave("presence-a", joined.member)
    assert say(session, subscribe("presence-a", user=ALICE)) == joined


@pytest.mark.parametrize("name", ["never-joined", "", "#", "a b", "x" * 1000])
def test_leaving_what_was_never_joined_is_not_answered(name: str) -> None:
    assert a_session().receive(unsubscribe(name), now=100.0) == []


def test_subscriptions_are_limited_and_the_room_of_those_that_ended_is_free() -> None:
    session = a_session(max_subscriptions=2)
    say(session, subscribe("a"))
    say(session, subscribe("b"))
    assert refusal_of(session, subscribe("c")) == (
        "too_many_subscriptions",
        "Subscription to c refused: a connection may have at most 2 subscriptions",
    )
    assert say(session, subscribe("a")) == Confirm("a")
    say(session, unsubscribe("a"))
    assert isinstance(say(session, subscribe("c")), Join)


def test_a_channel_without_room_is_taken_back() -> None:
    session = a_session()
    say(session, subscribe("presence-a", user=ALICE))
    effect = session.refused_as_full("presence-a", 100)
    assert isinstance(effect, Refuse)
    assert effect.reason == "presence_full"
    assert data_of(effect.payloads[0])["error"] == "presence-a is over capacity: at most 100 members are allowed"
    assert not session.subscriptions
    assert isinstance(say(session, subscribe("presence-a", user=ALICE)), Join)


# Subscriptions of who has signed in


def a_signed_in_session() -> Session:
    session = a_session()
    say(session, wire.sign_in({"id": "7", "user_info": {"name": "Alice"}}))
    return session


def test_who_has_signed_in_may_join_its_own_channel_only() -> None:
    session = a_signed_in_session()
    joined = say(session, subscribe("#server-to-user-7"))
    assert joined == Join("#server-to-user-7", Kind(private=True, user=True), None)
    assert refusal_of(session, subscribe("#server-to-user-8"))[0] == "unauthorized"


def test_who_has_signed_in_needs_no_channel_data_for_presence() -> None:
    assert say(a_signed_in_session(), subscribe("presence-a")) == Join(
        "presence-a", PRESENCE, Member("7", b'{"name":"Alice"}')
    )


def test_channel_data_comes_before_who_has_signed_in() -> None:
    joined = say(a_signed_in_session(), subscribe("presence-a", user={"user_id": "8"}))
    assert joined == Join("presence-a", PRESENCE, Member("8", b""))
