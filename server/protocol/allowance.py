"""How often a client may do something: a bucket of tokens that fills evenly. Sans-I/O."""

from __future__ import annotations


class Allowance:
    """Tokens, `burst` at most, of which `rate` come a second.

    The limits are parameters, since an application's may change while its clients are connected.
    """

    __slots__ = ("_at", "_spent")

    def __init__(self, *, now: float) -> None:
        # Tokens that are missing from a full bucket, as of _at.
        self._spent = 0.0
        self._at = now

    def left(self, *, rate: float, burst: float, now: float) -> float:
        """Return how many tokens there are."""
        self._spent = max(0.0, self._spent - (now - self._at) * rate)
        self._at = now
        return burst - self._spent

    def spend(self, *, rate: float, burst: float, now: float) -> bool:
        """Take a token; tell whether there was one."""
        if self.left(rate=rate, burst=burst, now=now) < 1.0:
            return False
        self._spent += 1.0
        return True
