"""Webhooks as they are configured."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from server.apps import Webhook


def a_webhook(**given: Any) -> Webhook:
    return Webhook.model_validate({"url": "https://example.com/hook?token=x"} | given)


def test_without_filters_it_wants_everything() -> None:
    assert a_webhook().wants("channel_occupied", "any")


@pytest.mark.parametrize(
    ("filters", "wanted", "unwanted"),
    [
        ({"channel_name_starts_with": "private-"}, "private-a", "a-private-"),
        ({"channel_name_ends_with": "-log"}, "a-log", "a-log-"),
        ({"channel_name_matches": "private-*-[0-9]"}, "private-a-1", "private-a-x"),
        ({"channel_name_matches": "a?c"}, "abc", "abbc"),
        ({"channel_name_matches": "A*"}, "Abc", "abc"),
        ({"channel_name_starts_with": "a", "channel_name_ends_with": "z"}, "az", "ay"),
    ],
)
def test_all_filters_must_fit(filters: dict[str, str], wanted: str, unwanted: str) -> None:
    webhook = a_webhook(**filters)
    assert webhook.wants("channel_occupied", wanted)
    assert not webhook.wants("channel_occupied", unwanted)


def test_types_are_chosen() -> None:
    webhook = a_webhook(event_types=["cache_miss"])
    assert webhook.wants("cache_miss", "c")
    assert not webhook.wants("channel_occupied", "c")


def test_a_pattern_made_to_take_for_ever_does_not() -> None:
    assert not a_webhook(channel_name_matches="*a" * 80 + "b").wants("channel_occupied", "a" * 164)


def test_soketis_tables_are_taken_as_they_are() -> None:
    webhook = a_webhook(filter={"channel_name_starts_with": "private-", "channel_name_ends_with": None})
    assert (webhook.channel_name_starts_with, webhook.channel_name_ends_with) == ("private-", "")


@pytest.mark.parametrize("nothing", [None, "", [], {}])
@pytest.mark.parametrize("key", ["filter", "headers", "event_types", "channel_name_matches", "lambda_function"])
def test_what_is_not_there_is_written_in_many_ways(key: str, nothing: Any) -> None:
    # An empty object is an empty list to PHP.
    assert a_webhook(**{key: nothing}) == a_webhook()


@pytest.mark.parametrize(
    "given",
    [
        {"url": None},
        {"filter": {"channel_name_begins_with": "private-"}},
        {"filter": ["private-"]},
        {"lambda_function": "f"},
        {"url": "ftp://example.com"},
        {"url": "https://"},
        {"url": "https://user:password@example.com/"},
        {"url": "https://example.com/#there"},
        {"url": "https://example.com/a b"},
        {"url": "https://example.com:port/"},
        {"url": "https://example.com/\r\nHost: other"},
        {"event_types": ["channel_full"]},
        {"headers": {"X-Pusher-Key": "k"}},
        {"headers": {"content-type": "text/plain"}},
        {"headers": {"X-Shoal-Event-Ids": "1"}},
        {"headers": {"A B": "1"}},
        {"headers": {"A": "1\r\nB: 2"}},
        {"pattern": "*"},
    ],
    ids=str,
)
def test_what_can_not_be_meant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_webhook(**given)
