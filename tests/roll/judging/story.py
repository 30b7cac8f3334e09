"""A log retold by client: which connections each one had, and what became of them. Sans-I/O."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from tests.roll.log import (
    Announced,
    AnyRecord,
    Attempt,
    Began,
    Closed,
    Complained,
    Delisted,
    Established,
    Exited,
    Failed,
    Killed,
    Kind,
    Left,
    Listed,
    Log,
    Over,
    Published,
    Received,
    Stalled,
    Subscribed,
    Told,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.roll.crowd import Crowd


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed: settings of the nodes, and of whoever ends them."""

    pace: float
    """Connections that one leaving node closes in a second."""
    grace: float
    """Seconds from SIGTERM to SIGKILL."""
    crash_notice: float = 13.0
    """Seconds after which the members that only a dead node had must have been removed."""
    undelayed: float = 0.0
    """Seconds from SIGTERM to exit where all clients take part in their close."""
    stubborn_delay: float = 5.0
    """Seconds by which a client that doesn't take part in its close may delay an exit."""
    patience: float = 0.0
    """Seconds by which times may be longer than all that."""


@dataclass(slots=True)
class Visit:
    """One attempt to connect, and the connection that came of it."""

    client: str
    attempted_at: float
    failure: str | None = None
    established_at: float | None = None
    subscribed: dict[str, Subscribed] = field(default_factory=dict)
    """The last confirmation for each channel."""
    received: list[Received] = field(default_factory=list)
    announced: list[Announced] = field(default_factory=list)
    ended_at: float | None = None
    code: int | None = None
    """What the other side closed it with; None if it didn't."""

    def is_open(self) -> bool:
        return self.established_at is not None and self.ended_at is None


@dataclass(frozen=True, slots=True)
class Story:
    """All that lines are judged by."""

    crowd: Crowd
    terms: Terms
    visits: Mapping[str, list[Visit]]
    """Those of each client, in order."""
    records: list[AnyRecord]
    began_at: float
    over_at: float

    def all_visits(self) -> list[Visit]:
        return [visit for visits in self.visits.values() for visit in visits]

    def is_back(self, client: str) -> bool:
        """Tell whether a client is connected at the end, and subscribed to all of its channels."""
        last = self.visits[client][-1] if self.visits.get(client) else None
        return last is not None and last.is_open() and set(self.crowd[client].channels) <= last.subscribed.keys()

    def lost(self) -> list[Visit]:
        """Return the connections that the other side ended while it counted."""
        return [visit for visit in self.all_visits() if self.is_lost(visit)]

    def is_lost(self, visit: Visit) -> bool:
        return visit.code is not None and self.counts(visit.ended_at)

    def counts(self, at: float | None) -> bool:
        """Tell whether a moment is between the beginning and the end."""
        return at is not None and self.began_at <= at <= self.over_at

    def longest_stall(self) -> float:
        """Return for how long a process of clients stood still while it counted: by so much times may be wrong."""
        return max((stall.seconds for stall in self.of(Stalled) if self.counts(stall.at)), default=0.0)

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Return the records of one kind, in order."""
        return [record for record in self.records if isinstance(record, kind)]


def tell(log: Log, crowd: Crowd, terms: Terms) -> Story:
    """Return the story of a log, from its beginning to the moment when it was over."""
    (began,), (over,) = log.of(Began), log.of(Over)
    records = [record for record in log.records() if record.at <= over.at or isinstance(record, Listed)]
    visits: dict[str, list[Visit]] = defaultdict(list)
    for record in records:
        _add(visits, record)
    return Story(crowd, terms, dict(visits), records, began.at, over.at)


def _add(visits: dict[str, list[Visit]], record: AnyRecord) -> None:
    match record:
        case Attempt():
            visits[record.client].append(Visit(record.client, record.at))
        case Failed():
            visit = visits[record.client][-1]
            visit.failure, visit.ended_at = record.how, record.at
        case Established():
            visits[record.client][-1].established_at = record.at
        case Subscribed():
            visits[record.client][-1].subscribed[record.channel] = record
        case Received():
            visits[record.client][-1].received.append(record)
        case Announced():
            visits[record.client][-1].announced.append(record)
        case Closed():
            visit = visits[record.client][-1]
            visit.ended_at, visit.code = record.at, record.code
        case Left():
            visits[record.client][-1].ended_at = record.at
        case (
            Stalled()
            | Published()
            | Told()
            | Killed()
            | Delisted()
            | Exited()
            | Complained()
            | Listed()
            | Began()
            | Over()
        ):
            pass
        case _:
            assert_never(record)
