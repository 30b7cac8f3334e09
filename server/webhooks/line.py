"""What one endpoint is still to be told, and when. Sans-I/O: told of time and results, it says what to send.

    add ──▶ WAITING ──full, or old enough──▶ SENDING ──succeeded──▶ gone
                                              │   ▲
                               failed, in time│   │due
                                              ▼   │
                                             RESTING ──failed, too late──▶ given up

A full line is *behind* if that won't be over in a moment: what comes then has to stay in the outbox. While one is full
and not behind, the node takes no more.

An endpoint that fails gets one request at a time until one succeeds, and each batch rests twice as long after each
attempt; others go on meanwhile. A batch that is given up has had one attempt at least, however late it came.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from typing import TYPE_CHECKING

from server.webhooks.batch import Batch, Pending

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.webhooks.endpoints import Endpoint
    from server.webhooks.options import DeliveryOptions

A_MOMENT = 2.0
"""Seconds that an event may wait in a full line before the line counts as behind."""


class Line:
    """The events of one endpoint.

    :param chance: returns a random number from 0 to 1, so that not all retries come at once.
    """

    def __init__(self, endpoint: Endpoint, options: DeliveryOptions, chance: Callable[[], float]) -> None:
        self.endpoint = endpoint
        self._options = options
        self._chance = chance
        self._waiting: deque[Pending] = deque()
        self._waiting_bytes = 0
        # When the first of those that wait came.
        self._since = 0.0
        # A heap of batches that rest: when each is due, a serial number, the batch.
        self._resting: list[tuple[float, int, Batch]] = []
        self._serial = itertools.count()
        self._sending: set[Batch] = set()
        self._is_failing = False
        # Events in all of these.
        self.size = 0

    @property
    def is_full(self) -> bool:
        return self.size >= self._options.endpoint_queue

    def is_behind(self, now: float) -> bool:
        """Tell whether it is full and will be for a while."""
        if not self.is_full:
            return False
        return self._is_failing or not self._waiting or now - self._waiting[0].came_at > A_MOMENT

    @property
    def is_idle(self) -> bool:
        return not self.size

    @property
    def oldest(self) -> float:
        """When the oldest event happened; infinity if there is none."""
        batches = [*self._sending, *(batch for _, _, batch in self._resting)]
        times = [batch.happened_at for batch in batches]
        times += [self._waiting[0].happened_at] if self._waiting else []
        return min(times, default=math.inf)

    def add(self, pending: Pending, *, now: float) -> None:
        if not self._waiting:
            self._since = now
        pending.came_at = now
        self._waiting.append(pending)
        self._waiting_bytes += len(pending.event)
        self.size += 1

    def next(self, *, now: float, is_last_call: bool = False) -> Batch | None:
        """Return a batch to be sent now, if there is one.

        :param is_last_call: nothing more will come, and there is no later: everything is sent now.
        """
        most = self._options.endpoint_concurrency if is_last_call else self._most_at_once
        if len(self._sending) >= most:
            return None
        if self._resting and (is_last_call or self._resting[0][0] <= now):
            batch = heapq.heappop(self._resting)[2]
        elif self._is_ready(now) or (self._waiting and is_last_call):
            batch = Batch(self.endpoint, self._take_waiting(now))
        else:
            return None
        batch.attempts += 1
        self._sending.add(batch)
        return batch

    @property
    def wake_at(self) -> float:
        """When to ask for the next batch; infinity if something else has to happen before."""
        if len(self._sending) >= self._most_at_once:
            return math.inf
        times = [self._resting[0][0]] if self._resting else []
        if self._waiting:
            times.append(self._since if self._is_batch_full else self._since + self._options.batch_time)
        return min(times, default=math.inf)

    @property
    def _most_at_once(self) -> int:
        return 1 if self._is_failing else self._options.endpoint_concurrency

    @property
    def _is_batch_full(self) -> bool:
        return len(self._waiting) >= self._options.batch_events or self._waiting_bytes >= self._options.batch_bytes

    def _is_ready(self, now: float) -> bool:
        return bool(self._waiting) and (self._is_batch_full or now >= self._since + self._options.batch_time)

    def _take_waiting(self, now: float) -> list[Pending]:
        taken: list[Pending] = []
        size = 0
        while self._waiting and len(taken) < self._options.batch_events:
            size += len(self._waiting[0].event)
            # The first goes alone if it must.
            if taken and size > self._options.batch_bytes:
                break
            taken.append(self._waiting.popleft())
        self._waiting_bytes -= sum(len(pending.event) for pending in taken)
        self._since = now
        return taken

    def succeeded(self, batch: Batch) -> None:
        self._is_failing = False
        self._forget(batch)

    def failed(self, batch: Batch, *, now: float, is_last_call: bool = False) -> bool:
        """Note that a batch was not taken; tell whether it is given up."""
        self._is_failing = True
        due = now + self._rest_after(batch.attempts)
        if is_last_call or due > batch.happened_at + self._options.give_up_after:
            self._forget(batch)
            return True
        self._sending.discard(batch)
        heapq.heappush(self._resting, (due, next(self._serial), batch))
        return False

    def _rest_after(self, attempts: int) -> float:
        longest: float = min(self._options.longest_retry, self._options.first_retry * 2.0 ** (attempts - 1))
        return longest * (0.5 + self._chance() / 2)

    def _forget(self, batch: Batch) -> None:
        self._sending.discard(batch)
        self.size -= len(batch.notices)
