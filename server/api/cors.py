"""What browsers want to see before a page may read an answer.

Pages have no business publishing, since that takes the secret; but without these headers a developer who tries gets
"network error" in place of the sentence that says what is wrong. No credentials but the signature are ever looked at,
so letting every origin read answers gives nothing away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Header = tuple[bytes, bytes]

ANY_ORIGIN: Header = (b"access-control-allow-origin", b"*")
_TELLING = b"Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
READABLE: tuple[Header, ...] = (ANY_ORIGIN, (b"access-control-expose-headers", _TELLING))
"""For refusals: they are what says when to come back."""


def preflight_headers(methods: Iterable[str]) -> list[Header]:
    """Return the headers that answer an OPTIONS request for a path with these methods."""
    allowed = ", ".join(methods).encode()
    return [
        (b"allow", allowed),
        ANY_ORIGIN,
        (b"access-control-allow-methods", allowed),
        # Every header of a client library, whatever it is called; a star is enough where there are no credentials.
        (b"access-control-allow-headers", b"*"),
        # Two hours: the longest that any browser of today honours.
        (b"access-control-max-age", b"7200"),
    ]
