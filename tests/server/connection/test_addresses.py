"""Connections by the address that they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server.config import Settings
from server.connection.addresses import NAMED_EVERY, Addresses
from server.protocol import codes

if TYPE_CHECKING:
    import pytest

OFFICE = "192.0.2.1"


def with_limits(**limits: Any) -> Addresses:
    return Addresses(Settings.model_validate(limits))


def test_by_default_an_address_may_do_what_it_likes() -> None:
    addresses = with_limits()
    assert not any(addresses.came(OFFICE, 5.0) for _ in range(50_000))


def test_as_many_as_a_node_may_have_come_back_at_once_whatever_the_rate() -> None:
    addresses = with_limits(max_handshakes_per_second_per_ip=1)
    assert not any(addresses.came(OFFICE, 5.0) for _ in range(18_000))
    assert addresses.came(OFFICE, 5.0) == codes.TOO_MANY_HANDSHAKES
    assert addresses.came("192.0.2.2", 5.0) is None


def test_who_goes_on_and_on_gets_the_rate_and_no_more() -> None:
    addresses = with_limits(max_handshakes_per_second_per_ip=10, handshake_burst_per_ip=20)
    admitted = sum(addresses.came(OFFICE, 5.0 + number / 1000) is None for number in range(10_000))
    assert 115 <= admitted <= 121


def test_connections_count_while_they_are_there() -> None:
    addresses = with_limits(max_connections_per_ip=2)
    assert [addresses.came(OFFICE, 5.0) for _ in range(3)] == [None, None, codes.TOO_MANY_FROM_ADDRESS]
    # Who was refused goes too.
    addresses.gone(OFFICE)
    addresses.gone(OFFICE)
    assert addresses.came(OFFICE, 5.0) is None
    assert addresses.came(OFFICE, 5.0) == codes.TOO_MANY_FROM_ADDRESS


def test_one_of_the_refused_is_named_in_the_log_each_minute(caplog: pytest.LogCaptureFixture) -> None:
    addresses = with_limits(max_connections_per_ip=1)
    for number in range(100):
        addresses.came("2001:db8::1", 5.0 + number * NAMED_EVERY / 60)
    assert [record.getMessage() for record in caplog.records] == [
        "2001:db8::/64 is turned away: Too many connections from this address"
    ] * 2
