"""One channel on one node: who is in it, who is on the way in, and what each of them is told.

    wait ──▶ WAITING ──admit──▶ LIVE ──drop──▶ gone
                └────────────drop──────────────▶

While somebody waits for the answer to its entry, messages that arrive are kept for it. The answer says up to which
position it holds: it gets the answer, then what was kept above that position. What comes later than the answer but lies
below its position (the two travel on different roads) is not for it: that position is its *floor*.

Announcements of members need not be kept: who comes is given the members as they are then (:mod:`.members`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.channels.count import CountThrottle
from server.channels.fanout import Delivered, Fanout, Subscriber
from server.channels.members import Members
from server.protocol import events
from server.protocol.frames import text_frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapter.base import Entry, Topic
    from server.channels.members import News
    from server.protocol.names import Kind

Ticket = list[tuple[int, bytes]]
"""What was kept for somebody who waits: frames, with their positions."""


class Channel:
    """A channel's subscribers on this node and, if it has members, the node's copy of its roster.

    Invariant: a subscriber is waiting, or live, or neither; never both.
    """

    __slots__ = (
        "_floors",
        "_members",
        "_position",
        "_waiting",
        "count",
        "dues",
        "fanout",
        "is_established",
        "kind",
        "name",
        "topic",
        "users",
    )

    def __init__(self, topic: Topic, name: str, kind: Kind, delivered: Delivered, *, counts: bool = False) -> None:
        self.topic = topic
        self.name = name
        self.kind = kind
        self.fanout = Fanout(delivered)
        # True once the adapter has answered an entry: from then on messages reach this channel.
        self.is_established = False
        # None where there are none.
        self._members = Members() if kind.presence else None
        # How many connections of this node are in the channel as each user.
        self.users: dict[str, int] = {}
        # None if subscription counts aren't told.
        self.count = CountThrottle() if counts and self.may_count else None
        # Until when entries of this node are to be held once they are given up, because of connections that ended
        # unclean or by our doing; by user, None for the channel's own.
        self.dues: dict[str | None, float] = {}
        self._position = 0
        # What came for those who wait, with positions.
        self._waiting: dict[Subscriber, Ticket] = {}
        # Up to which position a live subscriber knows everything, where that may be above _position.
        self._floors: dict[Subscriber, int] = {}

    def __len__(self) -> int:
        return len(self.fanout.subscribers)

    @property
    def may_count(self) -> bool:
        """Whether its number of subscriptions is anybody's business: of a presence channel there are the members."""
        return not self.kind.presence and not self.kind.user

    @property
    def is_deserted(self) -> bool:
        return not self.fanout.subscribers and not self._waiting

    # Coming and going

    def wait(self, subscriber: Subscriber) -> Ticket:
        """Keep what arrives from now on for somebody whose entry is being asked for."""
        ticket: Ticket = []
        self._waiting[subscriber] = ticket
        return ticket

    def is_waiting(self, subscriber: Subscriber, ticket: Ticket) -> bool:
        """Tell whether somebody still waits, with this very ticket: it may have left and come back since."""
        return self._waiting.get(subscriber) is ticket

    def admit(self, subscriber: Subscriber, entry: Entry | None) -> bytes:
        """Make somebody live, and return the frames that it gets first.

        :param entry: the answer to its entry; None where none was needed, because nothing can be in flight.
        """
        kept = self._waiting.pop(subscriber, [])
        self.is_established = True
        self.fanout.add(subscriber)
        if entry is None:
            return self._confirmation(subscriber)
        if entry.position > self._position:
            self._floors[subscriber] = entry.position
        if self._members is not None:
            self._members.admit(subscriber, entry)
        frames = [self._confirmation(subscriber)]
        if self.kind.cache:
            cached = entry.remembered
            frames.append(text_frame(cached.payload if cached else events.cache_miss(self.name)))
        frames += [frame for position, frame in kept if position > entry.position]
        return b"".join(frames)

    def confirm(self, subscriber: Subscriber) -> bytes:
        """Return the frame that tells a live subscriber once more that it is one; nothing for one who waits."""
        return self._confirmation(subscriber) if subscriber in self.fanout.subscribers else b""

    def drop(self, subscriber: Subscriber) -> None:
        """Let somebody go, from wherever it is."""
        self._waiting.pop(subscriber, None)
        self._floors.pop(subscriber, None)
        if self._members is not None:
            self._members.drop(subscriber)
        if subscriber in self.fanout.subscribers:
            self.fanout.remove(subscriber)

    def _confirmation(self, subscriber: Subscriber) -> bytes:
        members = b"" if self._members is None else self._members.text(subscriber)
        return text_frame(events.subscription_succeeded(self.name, members))

    # What arrives

    def message(self, position: int, payload: bytes, sender: Subscriber | None) -> None:
        """Gather a message for everybody but its sender."""
        frame = text_frame(payload)
        for subscriber, kept in self._waiting.items():
            if subscriber is not sender:
                kept.append((position, frame))
        self._gather(position, frame, sender)

    def joined(self, position: int, user_id: str, info: bytes) -> None:
        """Gather the announcement of a member, where it is news."""
        if self._members is not None:
            self._tell(position, self._members.changed(position, user_id, info))

    def left(self, position: int, user_id: str) -> None:
        """Gather the announcement that a member has gone, where it is news."""
        if self._members is not None:
            self._tell(position, self._members.changed(position, user_id, None))

    def resynced(self, entry: Entry) -> None:
        """Gather the difference between what subscribers know of the members and what is."""
        if self._members is not None:
            self._tell(entry.position, self._members.resynced(entry))

    def _tell(self, position: int, news: Iterable[News]) -> None:
        for one in news:
            if one.info is None:
                frame = text_frame(events.member_removed(self.name, one.user_id))
            else:
                frame = text_frame(events.member_added(self.name, one.user_id, one.info))
            if one.only is None:
                self._position = position
                self.fanout.gather(frame, left_out=one.left_out)
            else:
                self.fanout.tell(one.only, frame)

    def tell(self, payload: bytes) -> None:
        """Gather a message that has no position: for those who are live, whatever else is on the way."""
        self.fanout.gather(text_frame(payload))

    def _gather(self, position: int, frame: bytes, sender: Subscriber | None) -> None:
        self._position = position
        left_out = self._still_below(position) if self._floors else []
        if sender in self.fanout.subscribers:
            left_out.append(sender)
        self.fanout.gather(frame, left_out=left_out)

    def _still_below(self, position: int) -> list[Subscriber]:
        """Return who knows already what has this position; when that is nobody any more, forget the floors."""
        left_out = [subscriber for subscriber, floor in self._floors.items() if floor >= position]
        if not left_out:
            self._floors.clear()
        return left_out
