"""When pusher-js tries again, as measured with its version 8.6.0 in Node."""

from __future__ import annotations

FIRST_STALL, LONGEST_STALL = 15.0, 60.0


def delay_after_close(code: int) -> float | None:
    """Return the seconds until the next attempt after a connection, or an attempt, was closed with a code.

    None: it stays away until the application says so.
    """
    if 4200 <= code < 4300:
        return 0.0
    if code < 4000 or 4100 <= code < 4200:
        return 1.0
    return None


def delay_after_failures(failures: int) -> float:
    """Return the seconds from the beginning of a failed attempt to the next, after so many of them in a row.

    An attempt whose handshake isn't answered with 101, or not at all, is given up only when its time has passed.
    """
    return min(FIRST_STALL * 2.0 ** (failures - 1), LONGEST_STALL)
