from __future__ import annotations

from typing import Any

import pytest

from adapter.base import Occupancy
from server.api.errors import BadRequest
from server.api.info import COUNTS, counts, parse_info
from server.protocol.names import parse_channel

SEEN = Occupancy(occupied=True, subscriptions=5, members=3)


@pytest.mark.parametrize("fields", [{}, {"info": ""}, {"info": None}])
def test_nothing_is_asked_for_without_info(fields: dict[str, Any]) -> None:
    assert parse_info(fields) == frozenset()


def test_attributes_are_separated_by_commas() -> None:
    assert parse_info({"info": "user_count, subscription_count"}) == {"user_count", "subscription_count"}


@pytest.mark.parametrize("info", ["does-not-exist", "user_count,", "user_count,x", ["user_count"], 1, {"a": 1}])
def test_anything_else_is_refused(info: object) -> None:
    with pytest.raises(BadRequest, match=r"^info should be a comma separated list of attributes, any of: cache, "):
        parse_info({"info": info})


def test_attributes_that_make_no_sense_there_are_refused() -> None:
    with pytest.raises(BadRequest, match=r"any of: subscription_count, user_count$"):
        parse_info({"info": "cache"}, COUNTS)


def test_only_presence_channels_have_users() -> None:
    assert counts(parse_channel("presence-a"), SEEN, COUNTS) == {"user_count": 3, "subscription_count": 5}
    assert counts(parse_channel("private-a"), SEEN, COUNTS) == {"subscription_count": 5}


def test_what_was_not_asked_for_is_left_out() -> None:
    assert counts(parse_channel("presence-a"), SEEN, {"user_count"}) == {"user_count": 3}
    assert counts(parse_channel("presence-a"), SEEN, set()) == {}
