"""Each limit of an application is the one that was set: what fits is taken, and one more is refused."""

from __future__ import annotations

from typing import Any

import pytest

from server.protocol.effects import BecomeUser, Effect, Join, Refuse, Relay
from server.protocol.session import Session
from tests.server.protocol.wire import SOCKET_ID, an_app, client_event, read, sign_in, subscribe, unsubscribe


def a_session(**limits: Any) -> Session:
    session = Session(an_app(watchlists=True, **limits), SOCKET_ID, now=100.0)
    session.receive(subscribe("private-a"), now=100.0)
    return session


def say(session: Session, raw: bytes) -> Effect:
    (effect,) = session.receive(raw, now=100.0)
    return effect


def refusal(effect: Effect) -> tuple[str, str]:
    """Return the reason, and what the connection's error says."""
    assert isinstance(effect, Refuse)
    return effect.reason, read(effect.payloads[-1])["data"]["message"]


def member(user_id: str, name: str = "") -> dict[str, Any]:
    return {"user_id": user_id, "user_info": {"n": name}}


@pytest.mark.parametrize(
    ("limits", "fits", "too_much", "reason", "text"),
    [
        (
            {"max_channel_name_length": 10},
            subscribe("a" * 10),
            subscribe("a" * 11),
            "invalid_channel",
            "Invalid channel name: 11 characters, at most 10 are allowed",
        ),
        (
            {"max_event_name_length": 10},
            client_event("private-a", event="client-abc"),
            client_event("private-a", event="client-abcd"),
            "event_name",
            "Client event rejected - event names have at most 10 characters",
        ),
        (
            {"max_event_bytes": 10},
            client_event("private-a", "é" * 5),
            client_event("private-a", "é" * 5 + "x"),
            "event_size",
            "Client event rejected - data exceeds the allowed maximum (10 bytes)",
        ),
        (
            {"max_presence_member_bytes": 45},
            subscribe("presence-a", user=member("7", "x" * 2)),
            subscribe("presence-b", user=member("7", "x" * 20)),
            "unauthorized",
            "channel_data of presence-b exceeds the allowed maximum (45 bytes)",
        ),
        (
            {"max_user_id_length": 3},
            subscribe("presence-a", user=member("777")),
            subscribe("presence-b", user=member("7777")),
            "unauthorized",
            "user_id of 4 characters, at most 3 are allowed",
        ),
        (
            {"max_user_id_length": 3},
            sign_in({"id": "777"}),
            sign_in({"id": "7777"}),
            "signin",
            "id of 4 characters, at most 3 are allowed",
        ),
        (
            {"max_subscriptions": 2},
            subscribe("b"),
            subscribe("c"),
            "too_many_subscriptions",
            "Subscription to c refused: a connection may have at most 2 subscriptions",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_fits_is_taken_and_one_more_is_refused(
    limits: dict[str, int], fits: bytes, too_much: bytes, reason: str, text: str
) -> None:
    session = a_session(**limits)
    assert isinstance(say(session, fits), Join | Relay | BecomeUser)
    assert refusal(say(session, too_much)) == (reason, text)


def test_subscribing_has_a_rate_of_its_own_however_few_subscriptions_there_are() -> None:
    session = a_session(max_subscriptions=5, max_subscribes_per_second=2)
    for _ in range(4):
        assert isinstance(say(session, subscribe("b")), Join)
        session.receive(unsubscribe("b"), now=100.0)
    reason, text = refusal(say(session, subscribe("b")))
    assert (reason, text) == (
        "subscribe_rate",
        "Subscription to b refused: a connection may subscribe 2 times a second",
    )
    (effect,) = session.receive(subscribe("b"), now=100.5)
    assert isinstance(effect, Join)


def test_a_new_limit_applies_to_a_session_that_is_open() -> None:
    session = a_session(max_subscriptions=1)
    assert refusal(say(session, subscribe("b")))[0] == "too_many_subscriptions"
    session.app = an_app(max_subscriptions=2)
    assert isinstance(say(session, subscribe("b")), Join)
