"""Who a client is, behind as many proxies as the operator trusts.

Each proxy appends to `X-Forwarded-For` the address that connected to *it*, so only the entries that our own proxies
wrote can be believed: as many, from the right, as there are trusted hops. All that stands further left is the
client's own invention. One rule for HTTP requests and for WebSockets.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.listener.upgrade import RawHeaders

UNIX_CLIENT = "unix"
"""The address of a client on a Unix socket that no trusted proxy vouches for."""

_V4_IN_V6 = "::ffff:"


def client_address(peer: str, forwarded_for: Sequence[str], hops: int) -> str:
    """Return the address that the outermost of `hops` trusted proxies saw, else the peer's own.

    `peer` is "" on a Unix socket. With fewer entries than hops the leftmost is taken: whoever reached an inner proxy
    directly was written down there. An entry that isn't an address counts for nothing.
    """
    believed = _believed(forwarded_for, hops)
    address = _address(believed) if believed is not None else None
    if address is not None:
        return address
    return _plain(peer) or UNIX_CLIENT


def client_is_tls(is_tls: bool, forwarded_proto: Sequence[str], hops: int) -> bool:
    """Tell whether the client's own connection is encrypted, as far as the trusted proxies know."""
    believed = _believed(forwarded_proto, hops)
    return is_tls if believed is None else believed.lower() in ("https", "wss")


def forwarded(headers: RawHeaders, name: bytes) -> list[str]:
    """Return the entries of all `name` headers, in the order in which the proxies appended them."""
    values = [value for key, value in headers if key == name]
    return [entry.strip() for entry in b",".join(values).decode("latin-1").split(",") if entry.strip()]


def _believed(entries: Sequence[str], hops: int) -> str | None:
    if hops <= 0 or not entries:
        return None
    return entries[-min(hops, len(entries))]


def _address(entry: str) -> str | None:
    """Parse `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]` or `[::1]:80`; several proxies append the port."""
    text = entry.strip('"')
    if text.startswith("["):
        text = text[1 : text.find("]")]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return _plain(str(ipaddress.ip_address(text)))
    except ValueError:
        return None


def _plain(address: str) -> str:
    """Write an IPv4 address that came in over an IPv6 socket as what it is, or per-address limits see two clients."""
    if not address.startswith(_V4_IN_V6):
        return address
    mapped = ipaddress.IPv6Address(address.partition("%")[0]).ipv4_mapped
    return address if mapped is None else str(mapped)
