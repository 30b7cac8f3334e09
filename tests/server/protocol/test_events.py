from __future__ import annotations

import json

import pytest

from server.protocol import events
from tests.server.protocol.wire import data_of, read

AWKWARD = 'a"b\\c\n\N{GRINNING FACE}</script>\x00'


def test_the_first_message_has_the_socket_id_and_a_timeout_that_is_never_0() -> None:
    payload = events.connection_established("12.34", 29.6)
    assert read(payload)["event"] == "pusher:connection_established"
    assert data_of(payload) == {"socket_id": "12.34", "activity_timeout": 30}
    assert data_of(events.connection_established("12.34", 0.2))["activity_timeout"] == 1


@pytest.mark.parametrize(("payload", "event"), [(events.PING, "pusher:ping"), (events.PONG, "pusher:pong")])
def test_ping_and_pong_have_empty_data(payload: bytes, event: str) -> None:
    assert read(payload) == {"event": event, "data": "{}"}


def test_an_error_is_the_one_event_whose_data_is_an_object() -> None:
    assert read(events.error(AWKWARD, 4301)) == {"event": "pusher:error", "data": {"code": 4301, "message": AWKWARD}}
    assert read(events.error("x"))["data"] == {"code": None, "message": "x"}


def test_a_subscription_error_is_for_the_channels_handlers() -> None:
    payload = events.subscription_error("private-a", AWKWARD)
    assert read(payload) | {"data": None} == {
        "event": "pusher:subscription_error",
        "channel": "private-a",
        "data": None,
    }
    assert data_of(payload) == {"type": "AuthError", "error": AWKWARD, "status": 401}


def test_a_confirmation_has_data_even_where_there_is_nothing_to_say() -> None:
    assert read(events.subscription_succeeded("a")) == {
        "event": "pusher_internal:subscription_succeeded",
        "channel": "a",
        "data": "{}",
    }


def test_a_presence_confirmation_holds_the_roster() -> None:
    payload = events.subscription_succeeded("presence-a", rb"{\"count\":0,\"ids\":[],\"hash\":{}}")
    assert data_of(payload) == {"presence": {"count": 0, "ids": [], "hash": {}}}


def test_a_count_is_a_number() -> None:
    payload = events.subscription_count("a", 12)
    assert read(payload)["event"] == "pusher_internal:subscription_count"
    assert data_of(payload) == {"subscription_count": 12}


def test_a_new_member_is_told_with_info_only_if_there_is_some() -> None:
    payload = events.member_added("presence-a", AWKWARD, json.dumps({"name": AWKWARD}).encode())
    assert read(payload)["event"] == "pusher_internal:member_added"
    assert read(payload)["channel"] == "presence-a"
    assert data_of(payload) == {"user_id": AWKWARD, "user_info": {"name": AWKWARD}}
    assert data_of(events.member_added("presence-a", "7", b"")) == {"user_id": "7"}


def test_a_member_that_left_is_told_by_id() -> None:
    payload = events.member_removed("presence-a", AWKWARD)
    assert read(payload)["event"] == "pusher_internal:member_removed"
    assert data_of(payload) == {"user_id": AWKWARD}


def test_a_sign_in_is_confirmed_with_the_very_text_that_was_signed() -> None:
    text = '{ "id" : "7", "n":1.0 }'
    assert read(events.signin_success(text))["event"] == "pusher:signin_success"
    assert data_of(events.signin_success(text)) == {"user_data": text}


def test_watchlist_events_leave_out_empty_groups_and_have_no_channel() -> None:
    both = events.watchlist(online=["1"], offline=["2", "3"])
    assert set(read(both)) == {"event", "data"}
    assert data_of(both) == {
        "events": [{"name": "online", "user_ids": ["1"]}, {"name": "offline", "user_ids": ["2", "3"]}]
    }
    assert data_of(events.watchlist(online=["1"])) == {"events": [{"name": "online", "user_ids": ["1"]}]}


def test_a_cache_miss_has_data() -> None:
    assert read(events.cache_miss("cache-a")) == {"event": "pusher:cache_miss", "channel": "cache-a", "data": "{}"}


@pytest.mark.parametrize("data", ["", "123", "not json", '{"a":1.0}', AWKWARD])
def test_an_application_events_data_arrives_as_it_was_given(data: str) -> None:
    assert read(events.application_event("a", AWKWARD, data)) == {"event": AWKWARD, "channel": "a", "data": data}


def test_a_client_event_names_its_sender_only_where_there_is_one() -> None:
    envelope = {"event": "client-x", "channel": "presence-a", "data": "d"}
    assert read(events.client_event("presence-a", "client-x", "d", None)) == envelope
    assert read(events.client_event("presence-a", "client-x", "d", AWKWARD)) == envelope | {"user_id": AWKWARD}
