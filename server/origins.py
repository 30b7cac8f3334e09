"""Which web pages may connect: the patterns of an application's allowed origins.

A pattern is an origin as browsers write it, ``https://www.example.com``, where each ``*`` stands for one or more
letters, digits, dots and dashes: ``https://*.example.com``, ``http://localhost:*``. Without a scheme it is for every
scheme and port: ``*.example.com``. A lone ``*`` is for everybody; ``null`` for pages from files and sandboxed frames.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SYNTAX = re.compile(
    r"\*|null|(?:[a-z][-a-z0-9+.]*://)?(?:[-a-z0-9._*]+|\[[0-9a-f:.]+\])(?::(?:[0-9]+|\*))?",
    re.IGNORECASE,
)
_WILDCARD = "[-a-z0-9._]+"
_ANY_SCHEME = "[a-z][-a-z0-9+.]*://"
_ANY_PORT = "(?::[0-9]+)?"
# The longest that a scheme, a host name (253) and a port can be; nothing longer is worth matching.
_MAX_LENGTH = 300


def parse_pattern(text: str) -> str:
    """Return the pattern as it is compared: lower-case, without the port that browsers leave out.

    :raises ValueError: if it can't match any origin, as with a path or a trailing slash.
    """
    if not _SYNTAX.fullmatch(text):
        raise ValueError("is no origin: write scheme://host or scheme://host:port, and nothing behind that")
    pattern = text.lower()
    for scheme, port in (("http://", ":80"), ("https://", ":443")):
        if pattern.startswith(scheme):
            pattern = pattern.removesuffix(port)
    return pattern


def matches(origin: str, pattern: str) -> bool:
    """Tell whether a request's Origin header fits a pattern that :func:`parse_pattern` returned."""
    if pattern == "*":
        return True
    return len(origin) <= _MAX_LENGTH and bool(_compiled(pattern).fullmatch(origin.lower()))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    if pattern == "null":
        return re.compile("null")
    expression = _WILDCARD.join(re.escape(part) for part in pattern.split("*"))
    return re.compile(expression if "://" in pattern else _ANY_SCHEME + expression + _ANY_PORT)
