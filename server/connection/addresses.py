"""Where connections come from: how many of one address there are, and how fast they come.

After a deploy all who were connected come back, and many may have one address. A node never had more than it may have:
with a burst of that size none of them is refused, however low the rate is.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from server.protocol import codes
from server.throttle import Throttle, network_of

if TYPE_CHECKING:
    from server.config import Settings
    from server.protocol.codes import Close

logger = logging.getLogger(__name__)

NAMED_EVERY = 60.0
"""Seconds between two addresses that are named in the log because they were refused."""


class Addresses:
    """Counts connections by address, where that is limited."""

    def __init__(self, settings: Settings) -> None:
        self._most_open = settings.max_connections_per_ip
        # Invariant: the connections that have come and not gone; empty where their number isn't limited.
        self._open: dict[str, int] = {}
        rate = settings.max_handshakes_per_second_per_ip
        burst = settings.handshake_burst_per_ip or settings.max_connections
        # None where handshakes aren't limited.
        self._handshakes = None if rate is None else Throttle(rate, burst)
        # When an address was last named in the log.
        self._named_at = -NAMED_EVERY

    def came(self, peer: str, now: float) -> Close | None:
        """Count one more connection; return why it is one too many, if so. It counts until it is :meth:`gone`."""
        if self._most_open is None and self._handshakes is None:
            return None
        network = network_of(peer)
        close = self._why_not(network, now)
        if close is not None and now - self._named_at >= NAMED_EVERY:
            # One of many, so that who looks for the cause has an address to begin with.
            self._named_at = now
            logger.warning("%s is turned away: %s", network, close.reason)
        return close

    def _why_not(self, network: str, now: float) -> Close | None:
        if self._most_open is not None:
            self._open[network] = open_now = self._open.get(network, 0) + 1
            if open_now > self._most_open:
                return codes.TOO_MANY_FROM_ADDRESS
        if self._handshakes is not None and not self._handshakes.spend(network, now):
            return codes.TOO_MANY_HANDSHAKES
        return None

    def gone(self, peer: str) -> None:
        """Count one connection less."""
        if self._most_open is None:
            return
        network = network_of(peer)
        self._open[network] -= 1
        if not self._open[network]:
            del self._open[network]
