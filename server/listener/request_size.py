"""How large the request being received is so far, and when that is too much.

What is complete is weighed exactly, once. What isn't is weighed by the reads that brought it, as the parser keeps a
header, a chunk's extension or a trailer to itself until it has all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.listener import refusals
from server.listener.refusals import RefusedError

if TYPE_CHECKING:
    from server.listener.upgrade import RawHeaders

_SEPARATORS = 4
"""The colon, blank and line end of a header."""

_FRAMING = 2
"""How many times `max_body_bytes` a chunked body may weigh with its framing. Ordinary chunks add a few per cent."""


class RequestSize:
    """Weighs one request at a time; every method raises :exc:`RefusedError` when a limit is exceeded."""

    __slots__ = ("_body", "_incomplete", "_max_body", "_max_head")

    def __init__(self, max_header_bytes: int, max_body_bytes: int) -> None:
        self._max_head = max_header_bytes
        self._max_body = max_body_bytes
        self.begin()

    def begin(self) -> None:
        """Weigh a new request."""
        self._body = self._incomplete = 0

    def check_head(self, url: bytes, headers: RawHeaders) -> None:
        """Weigh a complete head, and the body that it declares before any of that is read."""
        head = len(url)
        if head > self._max_head:
            raise RefusedError(refusals.url_too_long(self._max_head))
        for name, value in headers:
            head += len(name) + len(value) + _SEPARATORS
            # The parser has made sure that this is a number.
            if name == b"content-length" and int(value) > self._max_body:
                raise RefusedError(refusals.body_too_large(self._max_body))
        if head > self._max_head:
            raise RefusedError(refusals.headers_too_large(self._max_head))

    def add_body(self, size: int) -> None:
        self._body += size
        if self._body > self._max_body:
            raise RefusedError(refusals.body_too_large(self._max_body))

    def add_incomplete_read(self, size: int, *, in_head: bool) -> None:
        """Count a read that held nothing but a part of this request."""
        self._incomplete += size
        if in_head and self._incomplete > self._max_head:
            raise RefusedError(refusals.headers_too_large(self._max_head))
        if self._incomplete > self._max_head + _FRAMING * self._max_body:
            raise RefusedError(refusals.body_too_large(self._max_body))
