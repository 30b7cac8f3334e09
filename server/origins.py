"""Which web pages may connect: the patterns of an application's allowed origins.

A pattern is an origin as browsers write it, ``https://www.example.com``, where each ``*`` stands for one or more
letters, digits, dots and dashes: ``https://*.example.com``. As a port it stands for any, and for none:
``http://localhost:*``. Without a scheme a pattern is for every scheme and port: ``*.example.com``. A lone ``*`` is for
everybody; ``null`` for pages from files and sandboxed frames.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_SYNTAX = re.compile(
    r"\*|null|(?:[a-z][-a-z0-9+.]*://)?(?:[-a-z0-9._*]+|\[[0-9a-f:.]+\])(?::(?:[0-9]+|\*))?",
    re.IGNORECASE,
)
_WILDCARD = "[-a-z0-9._]+"
_ANY_SCHEME = "[a-z][-a-z0-9+.]*://"
_ANY_PORT = "(?::[0-9]+)?"
_DEFAULT_PORTS = (("http://", ":80"), ("https://", ":443"))
# The longest that a scheme, a host name (253) and a port can be; nothing longer is worth matching.
_MAX_LENGTH = 300


def parse_pattern(text: str) -> str:
    """Return the pattern as it is compared: lower-case, without the port that browsers leave out.

    :raises ValueError: if it can't match any origin, as with a path or a trailing slash.
    """
    if not text.isascii():
        raise ValueError(
            "has letters that browsers send in another form: write that one, such as xn--bcher-kva.example"
        )
    if not _SYNTAX.fullmatch(text):
        raise ValueError("is no origin: write scheme://host or scheme://host:port, and nothing behind that")
    return _plain(text)


def _plain(origin: str) -> str:
    """Return an origin in lower case, without the port that its scheme has anyway."""
    origin = origin.lower()
    for scheme, port in _DEFAULT_PORTS:
        if origin.startswith(scheme):
            return origin.removesuffix(port)
    return origin


def matches(origin: str, pattern: str) -> bool:
    """Tell whether a request's Origin header fits a pattern that :func:`parse_pattern` returned."""
    if pattern == "*":
        return True
    return len(origin) <= _MAX_LENGTH and bool(_compiled(pattern).fullmatch(_plain(origin)))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    if pattern == "null":
        return re.compile("null")
    place = pattern.removesuffix(":*")
    expression = _expression(place.split("*"))
    if "://" not in pattern:
        return re.compile(_ANY_SCHEME + expression + _ANY_PORT)
    return re.compile(expression if place == pattern else expression + _ANY_PORT)


def _expression(parts: Sequence[str]) -> str:
    """Return an expression for texts with something between all of these parts.

    Each part is taken where it comes first, and never looked for again (an atomic group): what follows a later one
    follows the first as well. Otherwise every wildcard would be tried with all lengths of the others, and a single
    request with a long Origin of the right letters would take minutes.
    """
    first, *others = [re.escape(part) for part in parts]
    if not others:
        return first
    *between, last = others
    return first + "".join(f"(?>{_WILDCARD}?{part})" for part in between) + _WILDCARD + last
