"""The contract between a node and the cluster: what a node may ask, and what it may be called back with.

An adapter carries opaque bytes between the nodes that watch a *topic*, and keeps the state that nodes share: who is
in a topic (its *entries*), the last remembered message, numbers of subscriptions. It knows nothing of Pusher.

Words
-----
topic
    The address of one channel, or of one signed-in user, of one application.
entry
    One node's claim that something of it is in a topic: a user, or, with the user ``None``, just somebody. A topic is
    *occupied* while any node holds any entry in it. A user is a *member* while any node holds an entry for it.
hold
    An entry that outlives its :meth:`Adapter.leave` by some seconds, for a client that is expected back. It counts as
    an entry until it lapses; re-entering doesn't use it up.
position
    A number given to each message and each change of a topic's entries, ascending in the order in which all watching
    nodes see them. Comparable within one topic only; gaps mean nothing.

What every adapter guarantees
-----------------------------
Order
    Calls that a node makes for one topic take effect in the order in which they were made, also while their futures
    are pending: a caller never has to wait for one before making the next. Callbacks for one topic come in ascending
    position, the same on every node.
One path
    What is published, or changes, reaches every node that watches the topic *through its callbacks only*, the origin
    included; there is no local short cut. A callback may run before the call that caused it returns, so callers change
    their own state first.
Exactly once, while connected
    A watching node is called back once for each position, also if its link broke in the meantime. Where an adapter
    can't keep that (what is missing is gone), it calls :meth:`Receiver.resynced` instead of pretending.
Transitions once
    ``joined``/``left`` and ``occupied``/``vacated`` alternate strictly for a (topic, user) and a topic, each told once
    in the cluster, however many nodes, entries, retries or dead nodes there were.
Idempotent
    Entering what is entered, leaving what isn't, watching what is watched: no effect.
While the shared state is away
    :meth:`Adapter.publish`, :meth:`Adapter.terminate` and the reads wait a bounded time, then raise
    :class:`~adapter.errors.Unavailable`: the effect is then unknown, and asking again with the same ``once`` is safe.
    ``watch``, ``enter``, ``leave`` and ``count`` never fail: they take effect when the state is back, in order.
    Nobody is told that somebody left because of it. ``admit`` lets in, and ``spend`` grants this node's even share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType, Protocol

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Mapping, Sequence

    from adapter.outbox import Outbox
    from adapter.plain_numbers import ClusterNumbers

Topic = NewType("Topic", str)


def topic_of(app_id: str, name: str) -> Topic:
    """Return the address of the channel, or user, called `name` of the application `app_id` (which holds no ``/``)."""
    return Topic(f"{app_id}/{name}")


def app_of(topic: str) -> str:
    """Return the id of the application that a topic belongs to."""
    return topic.partition("/")[0]


def name_of(topic: str) -> str:
    """Return what the channel, or user, is called in its application."""
    return topic.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Remembered:
    """The last message that was published to a topic to be remembered."""

    payload: bytes
    ttl: float
    """Seconds until it is forgotten."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A topic at the moment when an entry was made in it.

    Whoever was waiting for it is to be given `members` and `remembered`, and then every message with a position above
    `position`: that is the whole truth, without a hole and without a repetition.
    """

    position: int
    members: Mapping[str, bytes]
    """Each member's info. A view: it may move on after the next ``await``; `version` says which state it is."""
    version: int
    """The position of the last change of `members`: equal versions of a topic have equal members."""
    remembered: Remembered | None
    at: float
    """The cluster's clock, in seconds; only ever compared with another such time."""


@dataclass(frozen=True, slots=True)
class Full:
    """The answer to an :meth:`Adapter.enter` that would have exceeded its limit: nothing was entered."""

    limit: int


@dataclass(frozen=True, slots=True)
class Occupancy:
    """What the cluster knows of a topic."""

    occupied: bool
    subscriptions: int
    """The sum of what nodes last gave to :meth:`Adapter.count`."""
    members: int


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """One node, as the cluster knows it."""

    name: str
    boot: str
    """Distinguishes a node from those of the same name before and after it."""
    state: str
    """What the node last declared."""
    version: str
    connections: int
    age: float
    """Seconds since it was last heard of."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What came of :meth:`Adapter.spend`, and about how the allowance stands then."""

    is_granted: bool
    remaining: int
    """How much could be spent at once now."""
    wait: float
    """Seconds until it is worth asking for as much again; 0 if it was granted."""
    reset: float
    """Seconds until the allowance is full, if nobody spends anything."""


class Receiver(Protocol):
    """What a node is told. Callbacks are synchronous, one at a time, and must not raise."""

    def message(self, topic: Topic, position: int, payload: bytes, sender: str) -> None:
        """Deliver what was given to :meth:`Adapter.publish`, unaltered."""

    def joined(self, topic: Topic, position: int, user: str, info: bytes) -> None:
        """A user became a member."""

    def left(self, topic: Topic, position: int, user: str) -> None:
        """A user is no longer a member."""

    def occupied(self, topic: Topic, position: int) -> None:
        """The topic has got its first entry."""

    def vacated(self, topic: Topic, position: int) -> None:
        """The topic has lost its last entry."""

    def counted(self, topic: Topic, total: int) -> None:
        """The cluster's number of subscriptions is now `total`. Numbers in between may be skipped; the last is not."""

    def terminated(self, topic: Topic, at: float) -> None:
        """Whoever entered the topic at or before `at` (:attr:`Entry.at`) is to be closed."""

    def resynced(self, topic: Topic, entry: Entry, *, occupied: bool) -> None:
        """Callbacks of the topic were lost; this is how it stands. Tell clients the difference to what they know."""


class Adapter(Protocol):
    """What a node may ask. The futures belong to the running event loop; many are done when they are returned."""

    @property
    def outbox(self) -> Outbox:
        """What the world outside is to be told of transitions: see :mod:`adapter.outbox`."""

    async def start(self, receiver: Receiver) -> None:
        """Connect, and call `receiver` back from now on.

        :raises AdapterError: if it can't ever work with this configuration.
        """

    async def stop(self) -> None:
        """Sign off: this node's entries are gone (its holds remain), its counts are zero, callbacks end.

        When cancelled, callbacks end all the same; the others find out the rest by themselves.
        """

    def declare(self, state: str, connections: int, *, is_leaving: bool = False) -> None:
        """State what other nodes are to know of this one; they do within a heartbeat.

        :param connections: a hint: an adapter that counts admissions tells those.
        :param is_leaving: whether this node's clients are about to go to the others, which lets these admit more than
            the limits of applications that have some here.
        """

    async def nodes(self) -> list[NodeInfo]:
        """Return the nodes that are alive, this one included.

        :raises Unavailable: see above.
        """

    def numbers(self) -> ClusterNumbers:
        """Return what operators are to know of this node's part in the cluster. Asks nobody: it is known here."""

    def publish(
        self, topic: Topic, payload: bytes, *, sender: str = "", remember: float = 0.0, once: str = ""
    ) -> Future[None]:
        """Send `payload` to every node that watches `topic`; done when it is accepted and can't be lost any more.

        :param sender: a mark handed on with it (the node uses it to leave out the socket that sent it).
        :param remember: if not 0, the seconds for which later entries get it as :attr:`Entry.remembered`.
        :param once: if not empty, a second publish with the same value to the same topic within two minutes has no
            effect and succeeds.
        :raises Unavailable: (the future) see above.
        """

    def watch(self, topic: Topic) -> None:
        """Be called back about `topic`. An ``enter`` or ``describe`` that follows is answered only once that is so."""

    def unwatch(self, topic: Topic) -> None:
        """Lose interest in `topic`. Callbacks may still come for a while."""

    def enter(
        self, topic: Topic, user: str | None = None, info: bytes = b"", *, limit: int | None = None
    ) -> Future[Entry | Full]:
        """Make this node's entry for `user` in `topic` and look at the topic, atomically.

        A known member keeps its info. `limit` bounds the number of members; a known member is never refused.
        """

    def leave(self, topic: Topic, user: str | None = None, *, hold: float = 0.0) -> None:
        """Give up this node's entry for `user`; if `hold` is not 0, only after that many seconds (and up to 1 more)."""

    def count(self, topic: Topic, subscriptions: int, *, announce: bool = False) -> None:
        """State how many subscriptions this node has; `announce` asks for :meth:`Receiver.counted` on all watchers."""

    def terminate(self, topic: Topic) -> Future[None]:
        """Have :meth:`Receiver.terminated` called on every node that watches `topic`, also if it is cut off just now.

        :raises Unavailable: (the future) see above.
        """

    def admit(self, app_id: str, limit: int | None) -> Future[bool]:
        """Count one more connection of an application in the cluster, unless there are `limit` of them already.

        While another node is leaving that has some it is counted all the same: it may be one of those.
        """

    def discharge(self, app_id: str) -> None:
        """Take back one successful :meth:`admit`."""

    def spend(self, app_id: str, what: str, amount: int, rate: int) -> Future[Spent]:
        """Take `amount` from what an application may spend in the cluster: all of it, or nothing.

        The allowance called `what` holds `rate` at most, and as much comes each second. An amount above half of that is
        granted as soon as half of it is there, and the rest owed, or it might never be. However many nodes spend at
        once, in any `t` seconds they are granted less than ``rate * (t + 2)`` and one such amount; and ``rate`` more
        each time that what they share is away, since each has its part of it by itself then.
        """

    async def describe(self, topics: Sequence[Topic]) -> list[Occupancy]:
        """Describe each topic.

        :raises Unavailable: see above; so do the other reads.
        """

    async def occupied_topics(self, app_id: str, prefix: str = "") -> dict[str, Occupancy]:
        """Return the names of an application's occupied topics that begin with `prefix`."""

    async def members(self, topic: Topic) -> list[str]:
        """Return a topic's members."""

    async def remembered(self, topic: Topic) -> Remembered | None:
        """Return a topic's remembered message."""
