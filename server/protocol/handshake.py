"""Which application a WebSocket's first line asks for, and whether its protocol is spoken here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from server.protocol import codes

LOWEST_PROTOCOL, HIGHEST_PROTOCOL = 4, 7

# A prefix is allowed: pusher-js' wsPath option, and Swift's path.
# Any printable ASCII may be meant as a key: whoever mistyped one is to hear that nobody has it.
_PATH = re.compile(r"(?:/[^/?]*)*?/app/([!-.0-~]+)/?")
_VERSION = re.compile(r"[0-9A-Za-z][-+.0-9A-Za-z]{0,63}")


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a client says of itself when it connects."""

    app_key: str
    protocol: int
    client: str
    version: str


def read_greeting(path: str, query: str) -> Greeting | codes.Close:
    """Return the greeting in a request's path and query, or why the connection is to be closed at once."""
    match = _PATH.fullmatch(path)
    if match is None:
        return codes.PATH_NOT_FOUND
    # The first of a name counts.
    fields = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True, errors="replace").items()}
    protocol = fields.get("protocol", "")
    if not protocol:
        return codes.NO_PROTOCOL
    # isascii first: str.isdecimal is true of digits that int() reads but no client sends.
    is_number = protocol.isascii() and protocol.isdecimal() and len(protocol) < 4
    if not is_number or not LOWEST_PROTOCOL <= int(protocol) <= HIGHEST_PROTOCOL:
        return codes.unsupported_protocol(protocol, LOWEST_PROTOCOL, HIGHEST_PROTOCOL)
    version = fields.get("version", "")
    if version and not _VERSION.fullmatch(version):
        return codes.INVALID_VERSION
    return Greeting(match[1], int(protocol), fields.get("client", "")[:64], version)
