from __future__ import annotations

import pytest

from server.listener.address import client_address, client_is_tls, forwarded


def test_without_trusted_hops_the_header_counts_for_nothing() -> None:
    assert client_address("192.0.2.1", ["198.51.100.7"], 0) == "192.0.2.1"


@pytest.mark.parametrize(("hops", "expected"), [(1, "10.0.0.2"), (2, "10.0.0.1"), (3, "203.0.113.9")])
def test_each_trusted_hop_believes_one_entry_from_the_right(hops: int, expected: str) -> None:
    assert client_address("10.0.0.3", ["203.0.113.9", "10.0.0.1", "10.0.0.2"], hops) == expected


def test_what_a_client_invents_stands_left_of_what_the_proxy_saw() -> None:
    assert client_address("10.0.0.3", ["1.1.1.1", "2.2.2.2", "203.0.113.9"], 1) == "203.0.113.9"


def test_who_skipped_the_outer_proxy_is_who_the_inner_one_saw() -> None:
    assert client_address("10.0.0.3", ["203.0.113.9"], 2) == "203.0.113.9"


def test_without_the_header_the_peer_counts() -> None:
    assert client_address("10.0.0.3", [], 1) == "10.0.0.3"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("203.0.113.9:4711", "203.0.113.9"),
        ("2001:DB8::1", "2001:db8::1"),
        ("2001:db8:0:0:0:0:0:1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ('"[2001:db8::1]:4711"', "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("::ffff:0:102:304", "::ffff:0:102:304"),
    ],
)
def test_entries_come_in_many_spellings(entry: str, expected: str) -> None:
    assert client_address("10.0.0.3", [entry], 1) == expected


@pytest.mark.parametrize(
    "entry", ["unknown", "_hidden", "1.2.3", "1.2.3.4.5", "[", "[]", "::1]", ":", "-", "é", "1" * 999]
)
def test_an_entry_that_is_no_address_counts_for_nothing(entry: str) -> None:
    assert client_address("10.0.0.3", [entry], 1) == "10.0.0.3"


def test_an_ipv4_client_of_an_ipv6_socket_has_its_ipv4_address() -> None:
    assert client_address("::ffff:192.0.2.1", [], 0) == "192.0.2.1"


def test_a_client_on_a_unix_socket_has_a_name_unless_a_proxy_knows_better() -> None:
    assert client_address("", [], 0) == "unix"
    assert client_address("", ["nonsense"], 1) == "unix"
    assert client_address("", ["203.0.113.9"], 1) == "203.0.113.9"


def test_the_scheme_follows_the_same_rule() -> None:
    assert client_is_tls(False, ["https"], 0) is False
    assert client_is_tls(False, ["https"], 1) is True
    assert client_is_tls(False, ["WSS"], 1) is True
    assert client_is_tls(True, ["http"], 1) is False
    assert client_is_tls(True, [], 1) is True
    assert client_is_tls(False, ["https", "http"], 1) is False


def test_repeated_headers_are_one_list() -> None:
    headers = [(b"x-forwarded-for", b"a, b"), (b"host", b"x"), (b"x-forwarded-for", b" c,,")]
    assert forwarded(headers, b"x-forwarded-for") == ["a", "b", "c"]
