"""What can be chosen about a store of applications. All durations are seconds."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Where applications are kept, and how long what is known of them is believed."""

    url: str = field(repr=False)
    """May hold a password."""
    prefix: str = "shoal"
    """Begins all keys in Redis."""
    table: str = "apps"
    """The table in a database, with its schema if need be."""
    timeout: float = 2.0
    """For one question."""
    refresh: float = 3.0
    """Between two looks at the applications in use."""
    lifetime: float = 600.0
    """For which an application is kept that nobody uses."""
    unknown_lifetime: float = 10.0
    """For which a key stays unknown."""
    max_unknown: int = 10_000
    """Unknown keys that are remembered."""
    max_waiting: int = 10_000
    """Keys that may wait to be looked up."""
