"""The signatures here are those of Pusher's documentation, with its key, secret and socket id."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server.protocol import auth
from server.protocol.auth import Member, User
from server.protocol.errors import Malformed, Unauthorized

KEY, SECRET = "278d425bdf160c739803", b"7ad3773142a6692b25b8"
PRIVATE = "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
PRESENCE = "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80"
SIGN_IN = "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ("1234.1234:private-foobar", PRIVATE),
        ('1234.1234:presence-foobar:{"user_id":10,"user_info":{"name":"Mr. Channels"}}', PRESENCE),
        ('1234.1234::user::{"id":"12345"}', SIGN_IN),
    ],
)
def test_a_documented_signature_is_ours_and_is_accepted(text: str, signature: str) -> None:
    assert auth.sign(SECRET, text) == signature
    auth.check(f"{KEY}:{signature}", key=KEY, secrets=(SECRET,), text=text)


@pytest.mark.parametrize(
    "signature", ["", "0", PRIVATE.upper(), PRIVATE[:-1], PRIVATE + "0", f":{PRIVATE}", "é", PRESENCE]
)
def test_any_other_signature_is_refused_and_shown_what_it_should_cover(signature: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        auth.check(f"{KEY}:{signature}", key=KEY, secrets=(SECRET,), text="1234.1234:private-foobar")
    expected = "Invalid signature: Expected HMAC SHA256 hex digest of 1234.1234:private-foobar, but got "
    assert str(caught.value) == expected + signature


@pytest.mark.parametrize(("given", "shown"), [("", ""), ("other:x", "other"), ("x" * 500 + ":y", "x" * 100)])
def test_the_key_must_be_the_connections_own(given: str, shown: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        auth.check(given, key=KEY, secrets=(SECRET,), text="t")
    assert str(caught.value) == f"Invalid key in subscription auth data: '{shown}'"


@pytest.mark.parametrize("secret", [SECRET, b"the other"])
def test_either_of_two_secrets_may_have_signed(secret: bytes) -> None:
    auth.check(f"{KEY}:{auth.sign(secret, 't')}", key=KEY, secrets=(SECRET, b"the other"), text="t")
    with pytest.raises(Unauthorized):
        auth.check(f"{KEY}:{auth.sign(b'a third', 't')}", key=KEY, secrets=(SECRET, b"the other"), text="t")


def test_a_refusal_never_shows_the_right_signature() -> None:
    with pytest.raises(Unauthorized) as caught:
        auth.check(f"{KEY}:wrong", key=KEY, secrets=(SECRET,), text="1234.1234:private-foobar")
    assert PRIVATE not in str(caught.value)


# Who somebody is


def member(data: Any, *, max_bytes: int = 1024) -> Member:
    raw = data if isinstance(data, str) else json.dumps(data)
    return auth.parse_channel_data(raw, "presence-a", max_bytes=max_bytes, max_user_id_length=128)


def user(data: Any) -> User:
    raw = data if isinstance(data, str) else json.dumps(data)
    return auth.parse_user_data(raw, max_bytes=10_240, max_user_id_length=128)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"user_id": "7"}, Member("7", b"")),
        ({"user_id": 7}, Member("7", b"")),
        ({"user_id": 0}, Member("0", b"")),
        ({"user_id": -1.5}, Member("-1.5", b"")),
        ('{"user_id":123456789012345678901234567890}', Member("123456789012345678901234567890", b"")),
        ({"user_id": "é/ \n"}, Member("é/ \n", b"")),
        ({"user_id": "7", "user_info": None}, Member("7", b"")),
        ({"user_id": "7", "user_info": {}}, Member("7", b"{}")),
        ({"user_id": "7", "user_info": {"a": [1]}, "more": 1}, Member("7", b'{"a":[1]}')),
    ],
)
def test_channel_data_names_a_member(data: Any, expected: Member) -> None:
    assert member(data) == expected


@pytest.mark.parametrize("user_id", [None, "", True, False, [], {}, ["7"]])
def test_a_member_must_have_a_user_id(user_id: Any) -> None:
    with pytest.raises(Malformed, match=r"must include a user_id when subscribing to presence channels \(presence-a\)"):
        member({"user_id": user_id})


@pytest.mark.parametrize("data", ["", "{", "7", "[]", '"{}"', "null", r'{"user_id":"\ud800"}', "[" * 1000])
def test_channel_data_must_be_an_object(data: str) -> None:
    with pytest.raises(Malformed, match="channel_data"):
        member(data)


@pytest.mark.parametrize("info", ["x", 1, [], True])
def test_user_info_must_be_an_object(info: Any) -> None:
    with pytest.raises(Malformed, match="if supplied it must be a type of hash"):
        member({"user_id": "7", "user_info": info})


def test_the_limit_on_channel_data_counts_bytes() -> None:
    text = json.dumps({"user_id": "é"}, ensure_ascii=False)
    assert member(text, max_bytes=len(text.encode())) == Member("é", b"")
    with pytest.raises(Malformed, match="exceeds the allowed maximum"):
        member(text, max_bytes=len(text))


def test_the_limit_on_user_ids_counts_characters() -> None:
    assert member({"user_id": "é" * 128}).user_id == "é" * 128
    with pytest.raises(Malformed, match="129 characters, at most 128"):
        member({"user_id": "é" * 129})


def test_user_data_names_a_user_with_each_watched_one_once() -> None:
    assert user({"id": "7"}) == User("7", b"", ())
    data = {"id": "7", "user_info": {"n": 1}, "watchlist": ["2", "1", "2"]}
    assert user(data) == User("7", b'{"n":1}', ("2", "1"))


@pytest.mark.parametrize("user_id", [None, "", 7, True, "a b", "é", "a\n"])
def test_a_user_must_have_an_id_that_a_channel_could_be_named_after(user_id: Any) -> None:
    with pytest.raises(Malformed, match="must include an id"):
        user({"id": user_id})


def test_a_users_id_has_the_limit_that_it_has_in_channels() -> None:
    assert user({"id": "x" * 128}).id == "x" * 128
    with pytest.raises(Malformed, match="id of 129 characters, at most 128 are allowed"):
        user({"id": "x" * 129})


@pytest.mark.parametrize("watchlist", ["x", 1, {"a": 1}, [1], [None], [""], [["a"]]])
def test_a_watchlist_must_be_a_list_of_ids(watchlist: Any) -> None:
    with pytest.raises(Malformed, match="must be a list of user ids"):
        user({"id": "7", "watchlist": watchlist})


def test_user_data_has_a_limit_in_bytes() -> None:
    with pytest.raises(Malformed, match="exceeds the allowed maximum"):
        user({"id": "7", "x": "x" * 10_240})
