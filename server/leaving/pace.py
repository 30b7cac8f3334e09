"""How fast a leaving node lets go of its clients. Sans-I/O.

All jitter has to come from here: a client that is closed with 4200 is back within milliseconds. What bounds the rate is
what the nodes that stay can take in, with half of their handshakes left for everybody else.
"""

from __future__ import annotations

from dataclasses import dataclass

SHARE = 0.5
"""The part of the others' handshakes that a drain may use."""
SHORTEST = 1.0
"""Seconds over which even a handful of clients is spread."""
BURST = 0.05
"""Seconds' worth of tokens that are kept at most: a node that stood still doesn't make up for it. In any second there
are at most 1.05 times as many as the rate says, and one."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a number of sockets is let go."""

    rate: float
    """Sockets a second."""
    window: float
    """Seconds for all of them."""
    is_forced: bool
    """Whether the rate is higher than the others can well take, because time is short."""


def pace_of(sockets: int, *, handshake_rate: float, ready: int, draining: int, ceiling: float, longest: float) -> Pace:
    """Return the pace at which to close `sockets`.

    :param handshake_rate: handshakes a second that one node can do.
    :param ready: nodes that take clients in; with none there is nobody to be spared.
    :param draining: nodes that let clients go, this one included.
    :param ceiling: sockets a second that are never exceeded unless time is short.
    :param longest: seconds that there are.
    """
    share = SHARE * handshake_rate * ready / max(1, draining) if ready else ceiling
    wanted = sockets / min(share, ceiling)
    window = min(max(wanted, SHORTEST), max(longest, SHORTEST))
    return Pace(rate=sockets / window, window=window, is_forced=wanted > window)


class TokenBucket:
    """Gives out one token for each socket that may be closed."""

    def __init__(self, *, now: float) -> None:
        self._tokens = 1.0
        self._at = now

    def take(self, rate: float, *, now: float) -> int:
        """Return how many tokens there are, and take them.

        :param rate: tokens a second since the last call.
        """
        self._tokens = min(self._tokens + (now - self._at) * rate, max(1.0, BURST * rate))
        self._at = now
        whole = int(self._tokens)
        self._tokens -= whole
        return whole
