"""The port: HTTP requests go to an ASGI application, WebSockets to a handler, within limits.

In reading order: `listener` (start, stop), `http_protocol` (one connection), `state` and `deadlines` (what connections
share), `refusals`, `upgrade` (the hand-off), `address` (trusted proxies), `endpoint` (sockets and certificates).
"""

from server.listener.address import client_address, client_is_tls
from server.listener.endpoint import ListenError, TlsError, tls_context
from server.listener.listener import Listener
from server.listener.state import HttpLimits
from server.listener.upgrade import RawHeaders, Upgrade, UpgradeHandler

__all__ = [
    "HttpLimits",
    "ListenError",
    "Listener",
    "RawHeaders",
    "TlsError",
    "Upgrade",
    "UpgradeHandler",
    "client_address",
    "client_is_tls",
    "tls_context",
]
