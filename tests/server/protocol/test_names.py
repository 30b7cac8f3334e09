from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol.errors import InvalidChannel
from server.protocol.names import Kind, is_valid_user_id, parse_channel, user_channel

ALLOWED = string.ascii_letters + string.digits + "_-=@,.;"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("news", Kind()),
        ("private", Kind()),
        ("Private-a", Kind()),
        ("presence", Kind()),
        ("private-a", Kind(private=True)),
        ("private-encrypted", Kind(private=True)),
        ("private-encryptedx", Kind(private=True)),
        ("private-cache", Kind(private=True)),
        ("private-presence-a", Kind(private=True)),
        ("private-encrypted-a", Kind(private=True, encrypted=True)),
        ("private-encrypted-cache", Kind(private=True, encrypted=True)),
        ("private-cache-a", Kind(private=True, cache=True)),
        ("private-encrypted-cache-a", Kind(private=True, encrypted=True, cache=True)),
        ("presence-a", Kind(private=True, presence=True)),
        ("presence-cache", Kind(private=True, presence=True)),
        ("presence-cache-a", Kind(private=True, presence=True, cache=True)),
        ("cache-a", Kind(cache=True)),
        ("cache", Kind()),
        ("#server-to-user-7", Kind(private=True, user=True)),
    ],
)
def test_the_prefix_decides_the_kind(name: str, kind: Kind) -> None:
    assert parse_channel(name) == kind


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("news", "public"),
        ("private-a", "private"),
        ("private-encrypted-a", "encrypted"),
        ("private-encrypted-cache-a", "encrypted"),
        ("cache-a", "cache"),
        ("private-cache-a", "cache"),
        ("presence-cache-a", "presence"),
        ("#server-to-user-7", "user"),
    ],
)
def test_each_kind_has_one_of_six_labels(name: str, label: str) -> None:
    assert parse_channel(name).label == label


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b",
        "a\n",
        "a/b",
        "a:b",
        "ä",
        "a\x00",
        "#",
        "#a",
        "#server-to-user-",
        "#server-to-user-a b",
        "#server-to-user-a\n",
        "#server-to-user",
        "private-#a",
        "a" * 165,
    ],
)
def test_other_names_are_invalid(name: str) -> None:
    with pytest.raises(InvalidChannel):
        parse_channel(name)


@given(st.text(max_size=170))
def test_a_name_is_valid_if_all_of_it_is_allowed(name: str) -> None:
    is_valid = 0 < len(name) <= 164 and all(character in ALLOWED for character in name)
    try:
        parse_channel(name)
    except InvalidChannel:
        assert not is_valid
    else:
        assert is_valid


def test_the_limit_counts_the_prefix() -> None:
    parse_channel("presence-" + "a" * 155)
    with pytest.raises(InvalidChannel, match="165 characters, at most 164"):
        parse_channel("presence-" + "a" * 156)


def test_a_user_has_a_channel() -> None:
    assert user_channel("7") == "#server-to-user-7"
    assert parse_channel(user_channel("a@b.c;d,e=f_g-h")).user


@pytest.mark.parametrize("user_id", ["", " ", "a b", "a\n", "ä", "#", "a" * 129])
def test_not_everything_is_a_user_id(user_id: str) -> None:
    assert not is_valid_user_id(user_id, max_length=128)


def test_user_ids_may_have_what_channel_names_may() -> None:
    assert is_valid_user_id(ALLOWED, max_length=128)
    assert is_valid_user_id("a" * 128, max_length=128)
