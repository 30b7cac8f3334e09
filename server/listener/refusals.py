"""The requests that no application sees: what is answered to them, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

if TYPE_CHECKING:
    from server.listener.upgrade import RawHeaders


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error that ends the connection, as nobody knows where the next request would begin."""

    status: int
    text: str

    def response(self, default_headers: RawHeaders) -> bytes:
        """Write the answer: plain text, like the HTTP API's own errors."""
        body = self.text.encode("ascii") + b"\n"
        lines = [name + b": " + value for name, value in default_headers if name != b"connection"]
        lines += [b"content-type: text/plain; charset=utf-8", b"content-length: %d" % len(body), b"connection: close"]
        return STATUS_LINE[self.status] + b"\r\n".join([*lines, b"", body])


class RefusedError(Exception):
    """What is being read must be refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


NOT_HTTP = Refusal(400, "This is not a valid HTTP request.")
NOT_A_PROXY = Refusal(400, "This server is not a proxy.")
HANDSHAKE_WITH_BODY = Refusal(400, "A WebSocket handshake has no body.")
HANDSHAKE_PIPELINED = Refusal(400, "A WebSocket handshake must not be pipelined.")
TOO_SLOW = Refusal(408, "The request did not arrive in time.")


def url_too_long(limit: int) -> Refusal:
    return Refusal(414, f"The URL exceeds the allowed maximum ({limit} bytes).")


def headers_too_large(limit: int) -> Refusal:
    return Refusal(431, f"The request's headers exceed the allowed maximum ({limit} bytes).")


def body_too_large(limit: int) -> Refusal:
    return Refusal(413, f"The request's body exceeds the allowed maximum ({limit} bytes).")


def too_many_pipelined(limit: int) -> Refusal:
    return Refusal(429, f"More than {limit} requests wait for their turn on this connection.")
