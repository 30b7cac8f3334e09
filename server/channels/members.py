"""The members of a presence channel, as a node and its subscribers know them.

Subscribers know what the node's copy of the roster says: they are told each of its changes. But who has just come was
given the roster of its answer, and answers travel on another road than announcements. Where the two differ, because
announcements are still on their way, or were lost, it is *ahead*: it has a copy of its own, by which is decided what is
news to it, until the two are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.channels.roster import Roster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapter.base import Entry
    from server.channels.fanout import Subscriber


@dataclass(frozen=True, slots=True)
class News:
    """One change, and whom it is to be told."""

    user_id: str
    info: bytes | None
    """None if the user has gone."""
    only: tuple[Subscriber, ...] | None
    """To these; None for everybody."""
    left_out: tuple[Subscriber, ...] = ()
    """Of everybody, not to these, who know better."""


class Members:
    """What a node's channel knows of its members.

    Invariant: who isn't ahead knows the members of the node's copy.
    """

    __slots__ = ("_ahead", "_early", "_roster")

    def __init__(self) -> None:
        # None until the first answer.
        self._roster: Roster | None = None
        self._ahead: dict[Subscriber, Roster] = {}
        # What was announced before the first answer: position, user, info or None.
        self._early: list[tuple[int, str, bytes | None]] = []

    def admit(self, subscriber: Subscriber, entry: Entry) -> None:
        """Take in the answer to somebody's entry."""
        if (roster := self._roster) is None:
            self._begin(entry)
        elif entry.version >= roster.version and not roster.has_exactly(entry.members):
            self._ahead[subscriber] = Roster(entry.members, entry.version)

    def drop(self, subscriber: Subscriber) -> None:
        """Forget somebody who leaves."""
        self._ahead.pop(subscriber, None)

    def text(self, subscriber: Subscriber) -> bytes:
        """Return what a confirmation says to somebody; empty before the first answer."""
        roster = self._ahead.get(subscriber, self._roster)
        return b"" if roster is None else roster.text()

    def changed(self, position: int, user_id: str, info: bytes | None) -> Iterator[News]:
        """Take in an announcement; `info` is None if the user has gone. Return what is to be told."""
        if self._roster is None:
            self._early.append((position, user_id, info))
            return
        if self._roster.change(position, user_id, info):
            yield News(user_id, info, None, tuple(self._ahead))
        for who, own in list(self._ahead.items()):
            if own.change(position, user_id, info):
                yield News(user_id, info, (who,))
            if self._roster.version >= own.version and self._roster.has_exactly(own):
                del self._ahead[who]

    def resynced(self, entry: Entry) -> Iterator[News]:
        """Take in how things stand, after announcements were lost; return what is to be told."""
        if (roster := self._roster) is None:
            self._begin(entry)
            return
        if entry.version < roster.version:
            return
        for user_id, info in roster.move_to(entry.members, entry.version):
            yield News(user_id, info, None, tuple(self._ahead))
        for who, own in list(self._ahead.items()):
            if own.version <= entry.version:
                del self._ahead[who]
                for user_id, info in own.move_to(entry.members, entry.version):
                    yield News(user_id, info, (who,))

    def _begin(self, entry: Entry) -> None:
        """Begin the node's copy with the first answer, and bring it up to what was announced meanwhile."""
        self._roster = Roster(entry.members, entry.version)
        for position, user_id, info in self._early:
            self._roster.change(position, user_id, info)
        self._early.clear()
