from __future__ import annotations

import pytest

from server.protocol import codes
from server.protocol.codes import Close

ROOM = 123
"""Bytes of a reason in a close frame: a control frame has 125, the code takes two."""
EVERY = [value for value in vars(codes).values() if isinstance(value, Close)]


@pytest.mark.parametrize("close", EVERY, ids=lambda close: f"{close.code} {close.reason}")
def test_each_code_tells_clients_what_to_do_and_its_reason_fits(close: Close) -> None:
    assert 4000 <= close.code < 4300, "clients take 4300 and above for a refusal, whatever we mean"
    assert len(close.reason.encode()) <= ROOM
    assert close.label != "other"


def test_codes_of_errors_that_close_nothing_are_of_their_own_range() -> None:
    assert {codes.CLIENT_EVENT_RATE, codes.WATCHLIST_LIMIT} == {4301, 4302}


@pytest.mark.parametrize("given", ["x", "x" * 5000, "\N{GRINNING FACE}" * 5000, "\x00\n", "é" * 100])
def test_reasons_fit_whatever_a_client_sent(given: str) -> None:
    for close in (codes.unknown_app(given), codes.unsupported_protocol(given, 4, 7)):
        assert len(close.reason.encode()) <= ROOM


def test_an_unknown_app_is_told_as_pusher_tells_it() -> None:
    assert codes.unknown_app("k") == Close(
        4001, "App key k not in this cluster. Did you forget to specify the cluster?"
    )
