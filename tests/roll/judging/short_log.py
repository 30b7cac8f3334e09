"""A deploy of one node that went as it should, in a few dozen records; tests spoil it, one thing at a time.

0 s   ana, ben and leo come to a room, cas to a feed; an event is published in both each second
10 s  it counts
12 s  node-1 is told to leave, and closes all four from 15 s on; leo doesn't come back
16 s  node-1 has exited
45 s  leo is removed
50 s  node-2 is asked who is in the room
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.roll.crowd import Guest
from tests.roll.judging import Story, Terms, tell
from tests.roll.log import (
    Announced,
    AnyRecord,
    Attempt,
    Began,
    Closed,
    Established,
    Exited,
    Listed,
    Log,
    Over,
    Published,
    Received,
    Subscribed,
    Told,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOM, FEED = "presence-room", "feed"
CROWD = {
    "ana": Guest("ana", (ROOM, FEED), user="ana"),
    "ben": Guest("ben", (ROOM,), user="ben"),
    "leo": Guest("leo", (ROOM,), user="leo", returns=False),
    "cas": Guest("cas", (FEED,)),
}
TERMS = Terms(pace=5.0, grace=30.0, undelayed=3.0)
CLOSED_AT = {"ana": 15.0, "ben": 15.2, "leo": 15.4, "cas": 15.6}
OFFLINE = 0.05
"""From being closed to being back."""
BEN_BACK_AT = CLOSED_AT["ben"] + OFFLINE
DELIVERY = 0.03
"""From publishing to receiving."""
_END = 50


def good_deploy() -> list[AnyRecord]:
    """Return the records of it."""
    return [
        *(record for name, guest in CROWD.items() for record in _client(guest, CLOSED_AT[name])),
        *(Published(at + 0.5, at + 0.51, channel, at, 200) for at in range(_END) for channel in (ROOM, FEED)),
        *(record for at in range(_END) for record in _received(at)),
        Began(10.0),
        Told(12.0, "node-1"),
        Exited(16.0, "node-1", 0),
        *(Announced(45.0, name, ROOM, "leo", is_added=False) for name in ("ana", "ben")),
        Listed(50.0, "node-2", ROOM, ("ana", "ben")),
        Over(51.0),
    ]


def _client(guest: Guest, closed_at: float) -> Iterator[AnyRecord]:
    yield from arrival(guest, 0.0)
    yield Closed(closed_at, guest.name, 4200)
    if guest.returns:
        yield from arrival(guest, closed_at + OFFLINE)


def arrival(guest: Guest, at: float) -> Iterator[AnyRecord]:
    """Yield the records of a connection that is complete at a time."""
    yield Attempt(at - 0.04, guest.name)
    yield Established(at - 0.02, guest.name)
    for channel in guest.channels:
        yield Subscribed(at, guest.name, channel, ("ana", "ben", "leo") if channel == ROOM else None)


def _received(number: int) -> Iterator[AnyRecord]:
    """Yield who receives the events of one second: nobody is offline when one is published."""
    at = number + 0.5 + DELIVERY
    for name, guest in CROWD.items():
        if at < CLOSED_AT[name] or guest.returns:
            yield from (Received(at, name, channel, number) for channel in guest.channels)


def story_of(records: Iterable[AnyRecord], *, pace: float = TERMS.pace) -> Story:
    return tell(Log(list(records)), CROWD, replace(TERMS, pace=pace))


def without(records: Iterable[AnyRecord], *unwanted: AnyRecord) -> list[AnyRecord]:
    """Leave out records, each of which must be there."""
    left = list(records)
    for record in unwanted:
        left.remove(record)
    return left


def without_client(records: Iterable[AnyRecord], client: str, *, since: float) -> list[AnyRecord]:
    """Leave out all that a client did or saw from a time on."""
    return [record for record in records if record.at < since or getattr(record, "client", None) != client]
