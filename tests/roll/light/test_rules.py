"""Light clients come back when pusher-js does."""

from __future__ import annotations

import pytest

from tests.roll.light.rules import delay_after_close, delay_after_failures


@pytest.mark.parametrize(
    ("code", "delay"),
    [
        (4200, 0.0),
        (4299, 0.0),
        (4100, 1.0),
        (4199, 1.0),
        (1000, 1.0),
        (1006, 1.0),
        (4001, None),
        (4009, None),
        (4301, None),
    ],
)
def test_close_code_decides_when_to_come_back(code: int, delay: float | None) -> None:
    assert delay_after_close(code) == delay


def test_stall_after_a_failed_handshake_doubles_up_to_a_minute() -> None:
    assert [delay_after_failures(failures) for failures in (1, 2, 3, 4)] == [15.0, 30.0, 60.0, 60.0]
