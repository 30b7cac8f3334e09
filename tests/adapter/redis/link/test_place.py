"""URLs of Redis."""

from __future__ import annotations

import pytest

from adapter.redis.errors import Misconfigured
from adapter.redis.link.place import Cluster, Place, Sentinel, Single, read_url


def test_a_plain_url_has_defaults() -> None:
    assert read_url("redis://") == Single(Place("127.0.0.1", 6379))


def test_user_password_and_database_are_read() -> None:
    target = read_url("redis://us%40er:p%2Fw@example.com:7000/3")
    assert target == Single(Place("example.com", 7000, username="us@er", password="p/w", db=3))


def test_ipv6_addresses_are_read() -> None:
    assert read_url("redis://[::1]:7000") == Single(Place("::1", 7000))


def test_tls_is_asked_for_by_the_scheme() -> None:
    target = read_url("rediss://example.com")
    assert isinstance(target, Single)
    assert target.place.tls is not None


def test_a_unix_socket_is_a_path() -> None:
    assert read_url("unix:///run/redis.sock?db=2") == Single(Place(path="/run/redis.sock", db=2))


def test_sentinels_are_listed_with_the_name_of_the_primary() -> None:
    target = read_url("redis+sentinel://:secret@a:1,b/main/2")
    assert target == Sentinel((Place("a", 1), Place("b", 26379)), "main", Place(password="secret", db=2))


def test_a_cluster_is_known_by_some_nodes() -> None:
    assert read_url("redis+cluster://a:1,b:2") == Cluster((Place("a", 1), Place("b", 2)))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.com", "http://...: write redis://"),
        ("example.com:6379", "no scheme: write redis://"),
        ("rediss://a?ca_file=/ca.pem", "no such option: ca_file; there are db, ca, cert"),
        ("redis+magic://example.com", "write redis://"),
        ("redis://a,b", "one host only"),
        ("redis://a/b", "'b' is not a number"),
        ("redis://a:port", "[Pp]ort"),
        ("redis+sentinel://a:1", "name of the primary is missing"),
        ("redis+cluster://a/1", "no databases"),
        ("rediss://a?ca=/nowhere.pem", "No such file"),
    ],
)
def test_what_cannot_be_understood_is_explained(url: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        read_url(url)


def test_a_mistake_does_not_give_the_password_away() -> None:
    with pytest.raises(Misconfigured) as caught:
        read_url("redis://user:hunter2@a/b")
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(read_url("redis://user:hunter2@a"))
