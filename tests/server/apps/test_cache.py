"""What a node knows of applications, told of answers and of the time."""

from __future__ import annotations

from typing import Any

import pytest

from server.apps.cache import Cache, Gap
from server.apps.errors import BadRow
from server.apps.store import Stored, Unusable
from tests.server.apps.build import an_app


@pytest.fixture
def cache() -> Cache:
    return Cache(unknown_lifetime=10.0, max_unknown=3)


def unusable(id: str) -> Unusable:  # noqa: A002 - the field's name
    return Unusable(id, f"key-{id}", BadRow("secret", "is empty"))


def test_key_is_missing_until_the_store_has_answered(cache: Cache) -> None:
    app = an_app()
    assert cache.by_key("key-1", now=0.0) is Gap.MISSING
    assert cache.learn(Stored([app]), ["key-1"], now=0.0) is False
    assert cache.by_key("key-1", now=0.0) is app
    assert cache.by_id("1") is app


def test_key_that_nobody_has_is_unknown_for_its_lifetime(cache: Cache) -> None:
    cache.learn(Stored(), ["nobodys"], now=0.0)
    assert cache.by_key("nobodys", now=9.9) is Gap.UNKNOWN
    assert cache.by_key("nobodys", now=10.0) is Gap.MISSING


def test_change_of_the_store_ends_what_is_unknown(cache: Cache) -> None:
    cache.learn(Stored(), ["nobodys"], now=0.0)
    cache.forget_unknown()
    assert cache.by_key("nobodys", now=0.0) is Gap.MISSING


def test_unknown_keys_have_a_bound_and_the_oldest_goes_first(cache: Cache) -> None:
    for number in range(4):
        cache.learn(Stored(), [f"nobodys-{number}"], now=0.0)
    assert cache.by_key("nobodys-0", now=0.0) is Gap.MISSING
    assert all(cache.by_key(f"nobodys-{number}", now=0.0) is Gap.UNKNOWN for number in (1, 2, 3))


def test_application_that_cannot_be_used_is_neither_known_nor_unknown(cache: Cache) -> None:
    cache.learn(Stored(unusable=[unusable("1")]), ["key-1"], now=0.0)
    assert cache.by_key("key-1", now=0.0) is Gap.UNUSABLE


def test_application_in_which_a_mistake_is_made_stays_as_it_was(cache: Cache) -> None:
    app = an_app()
    cache.learn(Stored([app]), [], now=0.0)
    for _ in range(3):
        assert not cache.refresh(Stored(unusable=[unusable("1")]), ["1"])
    assert cache.by_key("key-1", now=0.0) is app


def test_unchanged_application_stays_the_same_object(cache: Cache) -> None:
    app = an_app()
    cache.learn(Stored([app]), [], now=0.0)
    assert not cache.refresh(Stored([an_app()]), ["1"])
    assert cache.by_id("1") is app


@pytest.mark.parametrize("change", [{"enabled": False}, {"secret": "other"}, {"second_secret": "x"}, {"key": "other"}])
def test_changed_application_is_news_and_in_force(cache: Cache, change: dict[str, Any]) -> None:
    cache.learn(Stored([an_app()]), [], now=0.0)
    changed = an_app(**change)
    assert cache.refresh(Stored([changed]), ["1"])
    assert cache.by_key(changed.key, now=0.0) is changed
    assert len(cache) == 1


def test_application_is_gone_when_it_is_missing_twice_in_a_row(cache: Cache) -> None:
    cache.learn(Stored([an_app()]), [], now=0.0)
    assert not cache.refresh(Stored(), ["1"])
    assert cache.has_absent
    assert cache.by_id("1") is not None
    assert cache.refresh(Stored(), ["1"])
    assert cache.by_id("1") is None
    assert cache.by_key("key-1", now=0.0) is Gap.MISSING
    assert not cache.has_absent


def test_application_that_was_missing_once_is_not_gone(cache: Cache) -> None:
    cache.learn(Stored([an_app()]), [], now=0.0)
    for _ in range(3):
        assert not cache.refresh(Stored(), ["1"])
        assert not cache.refresh(Stored([an_app()]), ["1"])
    assert cache.by_id("1") is not None


def test_application_learnt_while_others_are_refreshed_is_not_missed(cache: Cache) -> None:
    cache.learn(Stored([an_app("1")]), [], now=0.0)
    cache.learn(Stored([an_app("2")]), [], now=0.0)
    cache.refresh(Stored([an_app("1")]), ["1"])
    assert not cache.has_absent


def test_key_that_moved_belongs_to_who_was_read_last(cache: Cache) -> None:
    cache.learn(Stored([an_app("1", key="k")]), [], now=0.0)
    second = an_app("2", key="k")
    assert cache.learn(Stored([second]), [], now=0.0)
    assert cache.by_key("k", now=0.0) is second
    assert cache.by_id("1") is None


def test_application_that_nobody_uses_or_asks_for_is_forgotten(cache: Cache) -> None:
    cache.learn(Stored([an_app(app_id) for app_id in "123"]), [], now=0.0)
    cache.forget_unused("1".__eq__)
    cache.by_key("key-2", now=0.0)
    cache.forget_unused("1".__eq__)
    assert cache.ids == ["1", "2"]
    assert cache.by_key("key-3", now=0.0) is Gap.MISSING
