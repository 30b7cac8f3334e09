"""One request to the API, read completely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.api.errors import TooLarge
from server.api.signature import SignedRequest

if TYPE_CHECKING:
    from starlette.types import Receive, Scope


class ClientGone(Exception):
    """Whoever sent the request hung up in the middle of it: there is nobody to answer."""


@dataclass(slots=True)
class Call:
    """A request and when it was there."""

    scope: Scope
    body: bytes
    started: float
    """By the clock of :func:`time.perf_counter`."""

    def path_parameter(self, name: str) -> str:
        value: str = self.scope["path_params"][name]
        return value

    def header(self, name: bytes) -> str:
        """Return a header's value, or an empty string; `name` in lower case."""
        for given, value in self.scope["headers"]:
            if given == name:
                return str(value, "latin-1")
        return ""

    def signed(self) -> SignedRequest:
        """Return what of it a signature covers."""
        scope = self.scope
        # A query that isn't UTF-8 can't have been signed, so any stand-in for it will do.
        query = str(scope["query_string"], "utf-8", "replace")
        return SignedRequest(scope["method"], scope["path"], scope["raw_path"], query, self.body)


async def read_body(receive: Receive, *, max_bytes: int) -> bytes:
    """Return the request's body.

    :raises TooLarge: if it has more than `max_bytes`.
    :raises ClientGone: if it will never be complete.
    """
    message = await receive()
    body: bytes | bytearray = message.get("body", b"")
    if message.get("more_body", False):
        # Seldom: nearly all bodies come in one piece, and are not copied.
        body = bytearray(body)
        while message.get("more_body", False) and len(body) <= max_bytes:
            message = await receive()
            body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise ClientGone
    if len(body) > max_bytes:
        raise TooLarge(f"The body exceeds the allowed maximum ({max_bytes} bytes)")
    return bytes(body)
