"""What an operator is told of a node's part in the cluster: plain numbers, read whenever somebody asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with the shared state, and has to be mended by somebody."""

    where: str
    kind: str
    text: str
    """What is wrong, and what to do about it."""


@dataclass(frozen=True, slots=True)
class StoreNumbers:
    """How a node and the shared state behind it (Redis) get along. What is called a number of times only grows.

    Labels are few: the addresses that are configured or found, and words of this project.
    """

    up: Mapping[str, bool]
    """Whether each primary is in use, by its address, or by its name where others name it."""
    problems: Sequence[Problem]
    """What is wrong with them just now."""
    kinds: Sequence[str]
    """Everything that can be."""
    probe_seconds: Mapping[str, float]
    """How long the last probe of each took, there and back."""
    shards: Mapping[str, int]
    """Shards, by state."""
    waiting: int
    """Writes that are not answered yet."""
    refusals: Mapping[str, int]
    """Writes that were refused, by the code of the refusal; they are tried again."""
    reconnects: int
    repairs: int
    """Shards that were brought up to date after a broken link or a change of the server."""
    replayed: int
    """Messages that were delivered late, from the journal."""
    gaps: int
    """Times that a shard's messages were missing from the journal too."""
    publish_errors: int
    """Publishes that were given up."""
    unreadable: int
    """Messages of a release that this one doesn't understand."""
    reborn: int
    """Times that this node was declared dead by others, and was not."""
    reaped: int
    """Dead nodes that this one has cleaned up after."""


@dataclass(frozen=True, slots=True)
class ClusterNumbers:
    """The cluster as this node sees it, and its own part."""

    nodes: Mapping[str, int] = field(default_factory=dict)
    """Nodes by the state that they declare, this one included; some seconds old."""
    late: int = 0
    """Those of them whose last heartbeat should have been followed by another."""
    connections: int = 0
    """Of all nodes together; some seconds old."""
    topics: int = 0
    """That this node listens to."""
    store: StoreNumbers | None = None
    """None for a node that is alone."""
