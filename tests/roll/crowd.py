"""Who the clients are: which library, which channels, which user, and what they do when they lose their connection."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, TypeAlias

PUBLIC, PRIVATE, ROOMS = 20, 20, 10
"""How many channels there are of each kind."""
TABS = (1, 1, 1, 3)
"""Clients of one user, in turns. Who has one is gone while that is away, unless the place is kept; of three, one is
nearly always there."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One client: as a rule it stays connected, and comes back by the rules of pusher-js."""

    name: str
    channels: tuple[str, ...]
    user: str | None = None
    """Who it is in presence channels."""
    is_real: bool = False
    """Whether it is an unmodified pusher-js."""
    returns: bool = True
    """Whether it comes back at all once it lost its connection."""
    visits: bool = False
    """Whether it comes and goes all the time, by itself."""

    def as_plan(self) -> dict[str, Any]:
        """Return what a fleet has to know."""
        plan = {"name": self.name, "channels": self.channels, "user": self.user}
        return plan | {"returns": self.returns, "visits": self.visits}


Crowd: TypeAlias = Mapping[str, Guest]
"""All clients by name."""


def feeds() -> list[str]:
    """Return the channels in which events are published: all there are."""
    public = [f"feed-{number}" for number in range(PUBLIC)]
    private = [f"private-feed-{number}" for number in range(PRIVATE)]
    return [*public, *private, *(f"presence-room-{number}" for number in range(ROOMS))]


def crowd_of(*, real: int, light: int, leavers: int, visitors: int) -> Crowd:
    """Return a crowd in which every kind of client is in every kind of channel.

    :param real: clients that are pusher-js.
    :param light: clients that aren't; they obey the same rules.
    :param leavers: light clients, beside these, that lose their connection and don't come back: users of their own.
    :param visitors: light clients, beside these, that come and go.
    """
    guests = [
        *_residents("real", real, is_real=True),
        *_residents("light", light, is_real=False),
        *(_leaver(number) for number in range(leavers)),
        *(Guest(f"visitor-{number}", (f"feed-{number % PUBLIC}",), visits=True) for number in range(visitors)),
    ]
    return {guest.name: guest for guest in guests}


def _residents(prefix: str, total: int, *, is_real: bool) -> Iterable[Guest]:
    for number in range(total):
        yield _resident(prefix, number, is_real=is_real)


def _resident(prefix: str, number: int, *, is_real: bool) -> Guest:
    """Return a client of a public, a private or a presence channel; those of the last kind are their users' tabs."""
    kind, place = number % 3, number // 3
    name = f"{prefix}-{number}"
    if kind == 0:
        return Guest(name, (f"feed-{place % PUBLIC}",), is_real=is_real)
    if kind == 1:
        return Guest(name, (f"private-feed-{place % PRIVATE}",), is_real=is_real)
    person = _person(place)
    channels = (f"presence-room-{person % ROOMS}", f"feed-{person % PUBLIC}")
    return Guest(name, channels, user=f"{prefix}-user-{person}", is_real=is_real)


def _person(place: int) -> int:
    """Return whose tab this is."""
    turns, rest = divmod(place, sum(TABS))
    return turns * len(TABS) + bisect_right(list(accumulate(TABS)), rest)


def _leaver(number: int) -> Guest:
    return Guest(f"leaver-{number}", (f"presence-room-{number % ROOMS}",), user=f"leaver-user-{number}", returns=False)


def users_of(crowd: Crowd, names: Iterable[str]) -> dict[str, set[str]]:
    """Return which users these clients are, for each presence channel that they are in."""
    users: dict[str, set[str]] = defaultdict(set)
    for guest in (crowd[name] for name in names):
        for channel in guest.channels:
            if guest.user is not None and channel.startswith("presence-"):
                users[channel].add(guest.user)
    return dict(users)
