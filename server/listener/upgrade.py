"""A request to become a WebSocket, as it is handed to whoever speaks WebSocket.

The listener only recognises the request. The handshake's rules, its answer (101 or another) and all that follows are
the handler's, so that nothing of HTTP or ASGI stays between the socket and the channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import asyncio

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]
"""Header names in lower case, with their values, in the order in which they came."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A GET with `Upgrade: websocket`, read whole and not yet answered."""

    path: str
    """Undecoded: percent signs are as they came."""
    query: bytes
    """What follows the `?`, undecoded; b"" without one."""
    headers: RawHeaders
    transport: asyncio.Transport
    peer: str
    """The client's address, behind the trusted proxies; "unix" where there is none."""
    is_tls: bool
    """Whether the client's own connection is encrypted, be it up to this node or up to a trusted proxy."""


UpgradeHandler: TypeAlias = Callable[[Upgrade], "asyncio.Protocol | None"]
"""Takes a connection over: answers on its transport and returns the protocol that the transport feeds from now on,
beginning with the bytes that came behind the request. None declines: the handler has written nothing, and the request
is answered as if it hadn't asked for an upgrade."""


def is_websocket(method: bytes, http_version: str, headers: RawHeaders) -> bool:
    """Tell whether an upgrade request is for a WebSocket: a GET of HTTP/1.1 (RFC 6455, 4.1)."""
    if method != b"GET" or http_version != "1.1":
        return False
    return any(b"websocket" in _tokens(value) for name, value in headers if name == b"upgrade")


def has_body(headers: RawHeaders) -> bool:
    """Tell whether a body follows. After an upgrade request nobody could say where it ends and the frames begin."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0") != b"")
        for name, value in headers
    )


def without_upgrade(method: bytes, url: bytes, http_version: str, headers: RawHeaders) -> bytes:
    """Write a request's head again, without its wish for another protocol (a server may ignore it: RFC 9110, 7.8)."""
    lines = [method + b" " + url + b" HTTP/" + http_version.encode("ascii")]
    lines += [name + b": " + value for name, value in headers if name != b"upgrade"]
    return b"\r\n".join([*lines, b"", b""])


def _tokens(value: bytes) -> Iterable[bytes]:
    return (token.strip().lower() for token in value.split(b","))
