"""Every code that a client can see, with what it must then do.

============  ========================================================================================
4000-4099     don't come back unchanged; the official clients stay away until the application says so
4100-4199     come back after a second or more
4200-4299     come back at once; only ever for a socket that was established, or clients come in a loop
4300-4399     the connection stays open: such a code comes in a ``pusher:error``, never in a close
============  ========================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Close:
    """Why a connection ends."""

    code: int
    reason: str
    """At most 123 bytes, the room in a close frame; clients show it as the error's message."""
    label: str = field(default="other", compare=False)
    """The reason as one word, for metrics."""


TLS_ONLY = Close(4000, "Application only accepts SSL connections, reconnect using wss://", "tls_only")
APP_DISABLED = Close(4003, "Application disabled", "app_disabled")
APP_OVER_QUOTA = Close(4004, "Application is over connection quota", "app_connections")
PATH_NOT_FOUND = Close(4005, "Path not found", "path")
INVALID_VERSION = Close(4006, "Invalid version string format", "version")
NO_PROTOCOL = Close(4008, "No protocol version supplied", "protocol")
ORIGIN_NOT_ALLOWED = Close(4009, "Origin not allowed", "origin")
NOT_AUTHORIZED_IN_TIME = Close(4009, "Connection not authorized within timeout", "unauthorized")
TERMINATED = Close(4009, "You got disconnected by the app.", "terminated")
OVER_CAPACITY = Close(4100, "Over capacity", "node_connections")
DRAINING = Close(4100, "This node is draining, come back in a second", "draining")
APP_NOT_FOUND_NOW = Close(4100, "Applications can't be looked up just now, come back in a second", "app_store")
TOO_MANY_FROM_ADDRESS = Close(4100, "Too many connections from this address", "address_connections")
TOO_MANY_HANDSHAKES = Close(4100, "Too many handshakes from this address, come back in a second", "address_rate")
SLOW_CONSUMER = Close(4100, "Slow consumer: data was not read in time", "slow_consumer")
SERVER_LEAVING = Close(4200, "Server is restarting, reconnect immediately", "leaving")
NO_PONG = Close(4201, "Pong reply not received in time", "no_pong")

CLIENT_EVENT_RATE = 4301
WATCHLIST_LIMIT = 4302

UNKNOWN = 0
"""Stands in metrics for the close codes of peers that make up their own."""
_STANDARD = range(1000, 1015)
_OURS = (4000, 4001, 4003, 4004, 4005, 4006, 4007, 4008, 4009, 4100, 4200, 4201)


def known(code: int) -> int:
    """Return a close code if it is RFC 6455's or ours, else :data:`UNKNOWN`."""
    return code if code in _STANDARD or code in _OURS else UNKNOWN


def unknown_app(key: str) -> Close:
    """Return the refusal of an application key that nobody has."""
    return Close(
        4001, f"App key {_shown(key, 40)} not in this cluster. Did you forget to specify the cluster?", "unknown_app"
    )


def unsupported_protocol(given: str, lowest: int, highest: int) -> Close:
    """Return the refusal of a protocol version that isn't spoken here."""
    return Close(
        4007, f"Unsupported protocol version: {_shown(given, 20)}, supported are {lowest} to {highest}", "protocol"
    )


def _shown(text: str, length: int) -> str:
    # In ASCII, where a character is a byte: a reason that doesn't fit its frame can't be sent at all.
    return text[:length].encode("ascii", "replace").decode()
