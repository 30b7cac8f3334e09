"""What one address may do: an allowance for each, of which only those in use are remembered. Sans-I/O."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from server.protocol.allowance import Allowance

if TYPE_CHECKING:
    from collections.abc import Hashable

MOST_REMEMBERED = 50_000
"""Addresses whose allowance is remembered, at 300 bytes each. With more, the one that was seen first has a full one."""


def network_of(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 that providers give to one customer."""
    if ":" not in address:
        return address
    try:
        number = int(IPv6Address(address.partition("%")[0]))
    except ValueError:
        return address
    return str(IPv6Address(number >> 64 << 64)) + "/64"


class Throttle:
    """An allowance of `rate` a second and `burst` at once, for each of many.

    A full allowance needs no memory. Each use looks at the two oldest of those remembered, so that they are forgotten
    as fast as new ones can come.
    """

    __slots__ = ("_allowances", "_burst", "_most", "_rate")

    def __init__(self, rate: float, burst: float, *, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._rate = rate
        self._burst = burst
        # In the order in which they were looked at. A plain dict takes ever longer to find its first.
        self._allowances: OrderedDict[Hashable, Allowance] = OrderedDict()

    def __len__(self) -> int:
        return len(self._allowances)

    def spend(self, who: Hashable, now: float) -> bool:
        """Take one from somebody's allowance; tell whether there was one."""
        self._sweep(now)
        allowance = self._allowances.get(who)
        if allowance is None:
            allowance = self._allowances[who] = Allowance(now=now)
        return allowance.spend(rate=self._rate, burst=self._burst, now=now)

    def is_spent(self, who: Hashable, now: float) -> bool:
        """Tell whether somebody has nothing left."""
        allowance = self._allowances.get(who)
        return allowance is not None and allowance.left(rate=self._rate, burst=self._burst, now=now) < 1

    def _sweep(self, now: float) -> None:
        for _ in range(min(2, len(self._allowances))):
            who, allowance = self._allowances.popitem(last=False)
            is_full = allowance.left(rate=self._rate, burst=self._burst, now=now) >= self._burst
            if not is_full and len(self._allowances) < self._most:
                # To the end of the line.
                self._allowances[who] = allowance
