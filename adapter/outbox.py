"""The contract of the outbox: what the world outside is to be told, kept until somebody says that it was.

A *notice* is kept for each transition of a topic that the node *wants* to be known (occupied and vacated, joined and
left, counted), and for whatever a node hands in itself. A transition's notice is kept by the same step that makes it,
so there is one if and only if it happened, whatever becomes of the node.

What every outbox guarantees
----------------------------
Once
    Each notice is handed out by :meth:`Outbox.take` to one node, and again (with the same :attr:`Notice.id`) only if
    that node is gone, or may be, before it said :meth:`Outbox.done`. So it is delivered at least once.
Calm
    ``vacated`` and ``left`` are held back for some seconds (:attr:`OutboxOptions.debounce`). If ``occupied`` or
    ``joined`` undo them meanwhile, neither is told.
Order
    Notices of one topic are handed out in order, and to the same node while the cluster doesn't change.
Bounds
    A full outbox takes no more; what it refuses is counted.
No failure
    What doesn't return an awaitable never fails: it takes effect when the shared state is back, in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapter.base import Topic

OCCUPIED, VACATED, JOINED, LEFT, COUNTED = "occupied", "vacated", "joined", "left", "counted"
"""Kinds of the notices that an adapter keeps by itself."""


class Wants(IntFlag):
    """Which transitions of a topic are to be kept as notices."""

    NOTHING = 0
    OCCUPANCY = 1
    """``occupied`` and ``vacated``."""
    MEMBERS = 2
    """``joined`` and ``left``."""
    COUNTS = 4
    """``counted``: changes of the number of subscriptions that are announced."""


@dataclass(frozen=True, slots=True)
class OutboxOptions:
    """How an outbox keeps notices; the same on all nodes. All durations are seconds."""

    debounce: float = 3.0
    """For which ``vacated`` and ``left`` may be undone."""
    most: int = 10_000
    """Notices that a shard of the outbox takes."""
    most_buried: int = 1_000
    """Dead letters that a shard of the outbox takes."""
    keep_buried: float = 604_800.0
    """For which dead letters are kept after the last."""
    large: int = 100
    """Number of subscriptions above which ``counted`` is kept once in `interval` only."""
    interval: float = 5.0


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the world outside is to be told."""

    id: str
    """Unique in the cluster and over time; the same each time the notice is handed out."""
    topic: Topic
    kind: str
    user: str
    """Who joined or left; else empty."""
    payload: bytes
    """What a node handed in; for ``counted`` the number."""
    at: float
    """When it happened, by the cluster's clock, in seconds since 1970."""
    age: float
    """Seconds since then, when it was handed out."""
    only: str = ""
    """For whom alone it is, by what :meth:`Outbox.postpone` or :meth:`Outbox.bury` were given; empty: for all."""
    handle: str = ""
    """By which the outbox knows what it has handed out."""


@dataclass(frozen=True, slots=True)
class Buried:
    """A dead letter: what somebody could not be told."""

    id: str
    notice: Notice
    why: str
    at: float
    """When it was given up, by the cluster's clock."""


@dataclass(slots=True)
class OutboxNumbers:
    """How the outbox stands, as last seen; of the whole cluster, so the same on all nodes."""

    waiting: int = 0
    """Notices that are kept, those in delivery included."""
    held_back: int = 0
    """Notices that may be undone yet, or were postponed."""
    oldest: float = 0.0
    """Age in seconds of the oldest notice that nobody has taken."""
    buried: int = 0
    dropped: int = 0
    """Notices that were refused since the state began, because the outbox was full."""


class Outbox(Protocol):
    """What a node may ask of its adapter's outbox."""

    @property
    def numbers(self) -> OutboxNumbers: ...

    def keep(self, wants: Callable[[Topic], Wants]) -> None:
        """Keep notices from now on. `wants` is called for each change of entries: it must be quick."""

    def notify(self, topic: Topic, kind: str, payload: bytes = b"", *, apart: float = 0.0) -> None:
        """Keep a notice of the node's own.

        :param apart: if not 0, the seconds for which another notice of the same topic and kind, of any node, is none.
        """

    async def take(self, most: int) -> list[Notice]:
        """Wait until there are notices, and return up to `most`. One who is cancelled has taken none."""

    def done(self, notice: Notice) -> None:
        """Forget a notice that was taken: whoever was to be told has been, or it was postponed or buried for them."""

    def postpone(self, notice: Notice, only: str, seconds: float) -> None:
        """Keep a notice for `only`, to be handed out anew, to any node, after some time."""

    def bury(self, notice: Notice, only: str, why: str) -> None:
        """Put a notice that `only` could not be told among the dead letters."""

    async def buried(self, most: int) -> list[Buried]:
        """Return dead letters, the oldest first.

        :raises Unavailable: if the shared state can't be reached; so does :meth:`retry`.
        """

    async def retry(self, ids: Sequence[str]) -> int:
        """Have dead letters handed out again, as if they had just happened; return how many there were of them."""

    def last_call(self) -> bool:
        """Tell whether what is left here dies with this node; if so it holds nothing back any more."""
