"""What can be chosen about Redis. All durations are seconds."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

from adapter.outbox import OutboxOptions


@dataclass(frozen=True, slots=True)
class RedisOptions:
    """How a node uses Redis; the same on all nodes, but for `node`."""

    prefix: str = "shoal"
    """Begins all keys and pub/sub channels: clusters with different prefixes don't notice each other."""
    connect_timeout: float = 2.0
    """For a connection, TLS and log-in included."""
    answer_timeout: float = 3.0
    """Silence after which a connection counts as broken."""
    patience: float = 2.0
    """For which a publish or a read waits while Redis is away, before it is refused."""
    sign_off_timeout: float = 5.0
    """For taking leave; where it doesn't suffice the others find out by the missing beats."""
    node: str = field(default_factory=socket.gethostname)
    """Name of this node, for people."""
    outbox: OutboxOptions = field(default_factory=OutboxOptions)
    """How notices are kept."""
    version: str = ""
    """Version of this node, for people."""
