"""How often a client may do something: a bucket of tokens that fills evenly. Sans-I/O."""

from __future__ import annotations


class Allowance:
    """Tokens, `burst` at most, of which `rate` come a second.

    The limits are parameters of :meth:`spend`, since an application's may change while its clients are connected.
    """

    __slots__ = ("_at", "_spent")

    def __init__(self, *, now: float) -> None:
        # Tokens that are missing from a full bucket, as of _at.
        self._spent = 0.0
        self._at = now

    def spend(self, *, rate: float, burst: float, now: float) -> bool:
        """Take a token; tell whether there was one."""
        self._spent = max(0.0, self._spent - (now - self._at) * rate)
        self._at = now
        if self._spent + 1.0 > burst:
            return False
        self._spent += 1.0
        return True
