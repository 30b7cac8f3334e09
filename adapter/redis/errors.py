"""What can go wrong with Redis: what no retry mends, and what one does."""

from __future__ import annotations

from enum import Enum

from adapter.errors import AdapterError


class Kind(Enum):
    """What can be wrong with a Redis, by who mends it how."""

    UNREACHABLE = "unreachable"
    CREDENTIALS = "credentials"
    PERMISSIONS = "permissions"
    REPLICA = "replica"
    EVICTING = "evicting"
    FULL = "full"
    READ_ONLY = "read_only"
    """It can't save its snapshots, or has too few replicas, and takes no writes because of that."""
    REFUSING = "refusing"
    UNFIT = "unfit"
    """Its version, its mode, what other nodes agreed on: everything that is for good."""


class Misconfigured(AdapterError):
    """This node can't work with this Redis, however often it tries, until somebody does something about it."""

    def __init__(self, message: str, kind: Kind = Kind.UNFIT) -> None:
        super().__init__(message)
        self.kind = kind


class LinkLost(AdapterError):
    """A connection to Redis broke, or couldn't be made. What was under way has to be sent again."""

    def __init__(self, message: str, kind: Kind = Kind.UNREACHABLE) -> None:
        super().__init__(message)
        self.kind = kind


class Refusal(AdapterError):
    """An error reply: nothing was done.

    :ivar code: its first word, such as ``NOSCRIPT``.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code = code_of(message)


PASSING = frozenset(
    {"LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "READONLY", "MOVED", "ASK", "UNBLOCKED"}
)
"""Codes of refusals that end by themselves, or by looking for the primary again."""

FORBIDDEN = frozenset({"NOAUTH", "WRONGPASS", "NOPERM", "DENIED"})
"""Codes of refusals that only an administrator can end."""

MOVING = frozenset({"MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"})
"""Codes by which a server of Redis Cluster says that a slot is elsewhere, or on its way there."""


def code_of(message: str) -> str:
    """Return the first word of an error reply."""
    return message.partition(" ")[0]
