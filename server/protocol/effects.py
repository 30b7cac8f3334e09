"""What a session decides and its connection has to carry out, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.protocol.codes import Close

if TYPE_CHECKING:
    from server.protocol.auth import Member, User
    from server.protocol.names import Kind


@dataclass(frozen=True, slots=True)
class Send:
    """Send one message: finished JSON text."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Refuse:
    """Send a ``pusher:error`` (and what goes with it) because of what the client sent; the connection stays open."""

    reason: str
    """Why, as a word for metrics."""
    payloads: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask the client whether it is still there, both ways: by WebSocket and by Pusher ping."""


@dataclass(frozen=True, slots=True)
class Join:
    """Subscribe to a channel, and confirm it once the subscription is in force."""

    channel: str
    kind: Kind
    member: Member | None


@dataclass(frozen=True, slots=True)
class Confirm:
    """Confirm once more a subscription that is there, or on its way: nothing else changes."""

    channel: str


@dataclass(frozen=True, slots=True)
class Leave:
    """End a subscription."""

    channel: str
    member: Member | None


@dataclass(frozen=True, slots=True)
class Relay:
    """Tell the others in the channel."""

    channel: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class BecomeUser:
    """Count the connection among the user's, then say so with `confirmations`."""

    user: User
    confirmations: tuple[bytes, ...]


Effect = Send | Refuse | Probe | Join | Confirm | Leave | Relay | BecomeUser | Close
