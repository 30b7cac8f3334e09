"""PyPI's Pysher, which speaks protocol 6, against a node."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.clients.apps import APPS
from tests.clients.subscribers import SUCCEEDED, Subscriber

if TYPE_CHECKING:
    from pusher import Pusher

    from tests.harness import RunningNode

pytestmark = pytest.mark.clients

APP = APPS["main"]


def test_connection_is_established_and_its_first_ping_answered(node: RunningNode) -> None:
    subscriber = Subscriber(node, APP, connection=["pusher:pong"])
    with subscriber:
        assert subscriber.next("pusher:pong") == "{}"
        assert subscriber.state == "connected"
        assert subscriber.socket_id.replace(".", "", 1).isdecimal()


def test_public_event_arrives_as_the_text_that_was_published(node: RunningNode, backend: Pusher) -> None:
    channel = f"public-{uuid4()}"
    with Subscriber(node, APP, channels={channel: ["event"]}) as subscriber:
        assert subscriber.next(SUCCEEDED, channel) == "{}"
        backend.trigger(channel, "event", {"text": "zażółć"})
        assert json.loads(subscriber.next("event", channel)) == {"text": "zażółć"}


def test_private_channel_is_joined_with_a_signature(node: RunningNode, backend: Pusher) -> None:
    channel = f"private-{uuid4()}"
    with Subscriber(node, APP, channels={channel: ["event"]}) as subscriber:
        assert subscriber.next(SUCCEEDED, channel) == "{}"
        backend.trigger(channel, "event", "words")
        assert subscriber.next("event", channel) == "words"


def test_member_is_told_of_another_that_comes_and_goes(node: RunningNode) -> None:
    channel = f"presence-{uuid4()}"
    events = ["pusher_internal:member_added", "pusher_internal:member_removed"]
    ben = {"user_id": "ben", "user_info": {"age": 3}}
    with Subscriber(node, APP, channels={channel: events}, user={"user_id": "ana"}) as ana:
        assert json.loads(ana.next(SUCCEEDED, channel)) == {
            "presence": {"count": 1, "ids": ["ana"], "hash": {"ana": None}}
        }
        with Subscriber(node, APP, channels={channel: []}, user=ben) as other:
            assert json.loads(other.next(SUCCEEDED, channel))["presence"]["count"] == 2
            assert json.loads(ana.next("pusher_internal:member_added", channel)) == ben
        assert json.loads(ana.next("pusher_internal:member_removed", channel)) == {"user_id": "ben"}


def test_client_event_reaches_the_other_as_text(node: RunningNode) -> None:
    channel = f"private-{uuid4()}"
    with ExitStack() as stack:
        ana, ben = (stack.enter_context(Subscriber(node, APP, channels={channel: ["client-event"]})) for _ in range(2))
        for subscriber in (ana, ben):
            subscriber.next(SUCCEEDED, channel)
        ana.pusher.channel(channel).trigger("client-event", {"a": 1})
        assert json.loads(ben.next("client-event", channel)) == {"a": 1}


def test_refused_subscription_is_an_error_that_the_connection_survives(node: RunningNode) -> None:
    private, public = f"private-{uuid4()}", f"public-{uuid4()}"
    forger = Subscriber(
        node, APP | {"secret": "wrong"}, channels={private: [], public: []}, connection=["pusher:error"]
    )
    with forger:
        error = forger.next("pusher:error")
        assert error["code"] is None
        assert error["message"].startswith("Invalid signature")
        forger.next(SUCCEEDED, public)
        assert forger.state == "connected"


def test_unknown_key_ends_the_client(node: RunningNode) -> None:
    stranger = Subscriber(node, APP | {"key": "nobody"}, connection=["pusher:error"])
    stranger.pusher.connect()
    assert stranger.next("pusher:error")["code"] == 4001
    assert stranger.ended()


def test_connection_stays_by_answering_the_nodes_pings(impatient_node: RunningNode) -> None:
    with Subscriber(impatient_node, APP, connection=["pusher:ping", "pusher:error"]) as subscriber:
        socket_id = subscriber.socket_id
        # The second is sent only to who answered the first.
        for _ in range(2):
            assert subscriber.next("pusher:ping") == "{}"
        assert (subscriber.state, subscriber.socket_id) == ("connected", socket_id)
