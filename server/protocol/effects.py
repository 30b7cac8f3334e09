"""What a session decides and its connection has to carry out, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from server.protocol.codes import Close

if TYPE_CHECKING:
    from server.protocol.auth import Member, User
    from server.protocol.names import Kind


class Send(msgspec.Struct, frozen=True):
    """Send one message: finished JSON text."""

    payload: bytes


class Refuse(msgspec.Struct, frozen=True):
    """Send a ``pusher:error`` (and what goes with it) because of what the client sent; the connection stays open."""

    reason: str
    """Why, as a word for metrics."""
    payloads: tuple[bytes, ...]


class Probe(msgspec.Struct, frozen=True):
    """Ask the client whether it is still there, both ways: by WebSocket and by Pusher ping."""


class Join(msgspec.Struct, frozen=True):
    """Subscribe to a channel, and confirm it once the subscription is in force."""

    channel: str
    kind: Kind
    member: Member | None


class Confirm(msgspec.Struct, frozen=True):
    """Confirm once more a subscription that is there, or on its way: nothing else changes."""

    channel: str


class Leave(msgspec.Struct, frozen=True):
    """End a subscription."""

    channel: str
    member: Member | None


class Relay(msgspec.Struct, frozen=True):
    """Tell the others in the channel."""

    channel: str
    payload: bytes


class BecomeUser(msgspec.Struct, frozen=True):
    """Count the connection among the user's, then say so with `confirmations`."""

    user: User
    confirmations: tuple[bytes, ...]


Effect = Send | Refuse | Probe | Join | Confirm | Leave | Relay | BecomeUser | Close
