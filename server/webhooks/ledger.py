"""All that this node is to deliver: each notice, until all endpoints that want it have been dealt with.

Sans-I/O: what is to be done with a notice comes out as effects, for the outbox to carry out in order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.hub.notices import tells_counts
from server.protocol.names import USER_PREFIX
from server.webhooks.agenda import Agenda
from server.webhooks.batch import Batch, Pending
from server.webhooks.endpoints import Endpoint, endpoints_for
from server.webhooks.events import TYPES, channel_of, event_of
from server.webhooks.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapter.outbox import Notice
    from server.apps import App
    from server.webhooks.options import DeliveryOptions

POSTPONE = 15.0
"""Seconds for which what finds its endpoint's line behind stays in the outbox, for any node to try then."""


@dataclass(frozen=True, slots=True)
class Done:
    """Forget a notice."""

    notice: Notice


@dataclass(frozen=True, slots=True)
class Postpone:
    """Leave a notice in the outbox, for one endpoint."""

    notice: Notice
    only: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Bury:
    """Put a notice among the dead letters of one endpoint."""

    notice: Notice
    endpoint: Endpoint
    why: str


Effect = Done | Postpone | Bury


class Ledger:
    """The lines of all endpoints.

    :param chance: returns a random number from 0 to 1.
    """

    def __init__(self, options: DeliveryOptions, *, chance: Callable[[], float]) -> None:
        self._options = options
        self._chance = chance
        # Invariant: a line is in here while there is something in it.
        self._lines: dict[Endpoint, Line] = {}
        self._agenda = Agenda()
        # Those of them that are full.
        self._full: set[Line] = set()
        # For how many endpoints a notice is still to be dealt with.
        self._open: dict[tuple[str, str], int] = {}
        self.sending = 0
        # Nothing more will come, and there is no later: everything has one attempt, at once.
        self.is_last_call = False

    @property
    def size(self) -> int:
        """How many notices are in hand."""
        return len(self._open)

    @property
    def oldest(self) -> float:
        """When the oldest event happened that some endpoint is yet to be told, by the node's clock."""
        return min((line.oldest for line in self._lines.values()), default=math.inf)

    def add(self, notice: Notice, app: App | None, *, now: float) -> list[Effect]:
        """Take in a notice; `app` is None if there is no such application any more."""
        endpoints = self._endpoints(notice, app)
        if not endpoints:
            return [Done(notice)]
        event = event_of(notice)
        effects: list[Effect] = []
        self._open[notice.topic, notice.handle] = len(endpoints)
        for endpoint in endpoints:
            line = self._lines.get(endpoint)
            if line is not None and line.is_behind(now) and not self.is_last_call:
                effects += self._turn_away(notice, endpoint)
                continue
            if line is None:
                line = self._lines[endpoint] = Line(endpoint, self._options, self._chance)
            line.add(Pending(notice, event, now - notice.age), now=now)
            self._has_changed(line)
        return effects

    def has_room(self, now: float) -> bool:
        """Tell whether more may be taken: not while a full line is about to have room."""
        return all(line.is_behind(now) for line in self._full)

    def _endpoints(self, notice: Notice, app: App | None) -> list[Endpoint]:
        event_type, channel = TYPES.get(notice.kind), channel_of(notice)
        if app is None or event_type is None or channel.startswith(USER_PREFIX):
            return []
        if event_type == "subscription_count" and not tells_counts(app, channel):
            return []
        endpoints = endpoints_for(app, event_type, channel)
        return [endpoint for endpoint in endpoints if notice.only in {"", endpoint.id}]

    def _turn_away(self, notice: Notice, endpoint: Endpoint) -> list[Effect]:
        """Leave in the outbox what comes to a line that is behind; give it up when it was there for too long."""
        if notice.age > self._options.give_up_after:
            return [Bury(notice, endpoint, "too much is waiting for this endpoint"), *self._settled(notice)]
        seconds = POSTPONE * (0.5 + self._chance())
        return [Postpone(notice, endpoint.id, seconds), *self._settled(notice)]

    def next(self, *, now: float) -> Batch | None:
        """Return a batch to be sent now; each endpoint in its turn."""
        if self.sending >= self._options.concurrency:
            return None
        batch = self._next_of_all(now) if self.is_last_call else self._next_due(now)
        self.sending += batch is not None
        return batch

    def _next_due(self, now: float) -> Batch | None:
        while (line := self._agenda.pop(now)) is not None:
            batch = line.next(now=now)
            self._agenda.note(line)
            if batch is not None:
                return batch
        return None

    def _next_of_all(self, now: float) -> Batch | None:
        batches = (line.next(now=now, is_last_call=True) for line in self._lines.values())
        return next((batch for batch in batches if batch is not None), None)

    @property
    def wake_at(self) -> float:
        """When to ask for the next batch; infinity if something else has to happen before."""
        if self.sending >= self._options.concurrency:
            return math.inf
        return self._agenda.wake_at

    def succeeded(self, batch: Batch) -> list[Effect]:
        self.sending -= 1
        line = self._lines[batch.endpoint]
        line.succeeded(batch)
        self._has_changed(line)
        return [effect for notice in batch.notices for effect in self._settled(notice)]

    def failed(self, batch: Batch, why: str, *, now: float) -> list[Effect]:
        """Note that a batch was not taken; what is given up is among the effects."""
        self.sending -= 1
        line = self._lines[batch.endpoint]
        is_given_up = line.failed(batch, now=now, is_last_call=self.is_last_call)
        self._has_changed(line)
        if not is_given_up:
            return []
        effects: list[Effect] = []
        for notice in batch.notices:
            effects += [Bury(notice, batch.endpoint, why), *self._settled(notice)]
        return effects

    def _has_changed(self, line: Line) -> None:
        self._agenda.note(line)
        if line.is_full:
            self._full.add(line)
            return
        self._full.discard(line)
        if line.is_idle:
            del self._lines[line.endpoint]

    def _settled(self, notice: Notice) -> list[Effect]:
        """Count one endpoint less for a notice."""
        left = self._open[notice.topic, notice.handle] - 1
        if left:
            self._open[notice.topic, notice.handle] = left
            return []
        del self._open[notice.topic, notice.handle]
        return [Done(notice)]
