from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from server.hub.holds import hold_after_close
from server.protocol import codes

if TYPE_CHECKING:
    from server.protocol.codes import Close


@pytest.mark.parametrize(
    ("close", "seconds"),
    [
        (codes.SERVER_LEAVING, 30.0),
        (codes.NO_PONG, 5.0),
        (codes.SLOW_CONSUMER, 5.0),
        (codes.OVER_CAPACITY, 5.0),
        (codes.TERMINATED, 0.0),
        (codes.APP_DISABLED, 0.0),
    ],
)
def test_a_place_is_kept_for_as_long_as_the_code_lets_a_client_stay_away(close: Close, seconds: float) -> None:
    assert hold_after_close(close, leaving=30.0, unclean=5.0) == seconds
