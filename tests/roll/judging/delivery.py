"""Whether events arrive: each once, in order, at everybody who was connected; and whether publishing them succeeded."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING

from tests.roll.judging.verdict import Verdict
from tests.roll.log import Published

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.roll.judging.story import Story, Visit

_UNDER_WAY = 0.5
"""Seconds that a delivery may take: what was accepted so shortly before the end of a connection is not missed. A client
that stood still saw that end later than it was."""


def publishes(story: Story) -> Verdict:
    statuses = Counter(record.status for record in story.of(Published) if story.counts(record.at))
    accepted = statuses.pop(200, 0)
    shown = ", ".join(f"{count} x {status or 'no answer'}" for status, count in statuses.items()) or "0"
    measured = f"{shown} of {accepted + statuses.total()}"
    return Verdict("publishes not answered 200", "0", measured, not statuses and accepted > 0)


def events(story: Story) -> Verdict:
    streams, stalled = _streams(story), story.longest_stall()
    lost = twice = out_of_order = total = 0
    for visit, channel, numbers in _subscriptions(story):
        stream = streams[channel]
        missed = stream.due(visit.subscribed[channel].at, _heard_until(story, visit) - stalled) - set(numbers)
        lost += len(missed | stream.holes(numbers))
        twice += len(numbers) - len(set(numbers))
        out_of_order += _backward_steps(numbers)
        total += len(numbers)
    figure = "events lost while connected / twice / out of order"
    is_ok = lost == twice == out_of_order == 0 and total > 0
    return Verdict(figure, "0 / 0 / 0", f"{lost} / {twice} / {out_of_order} of {total}", is_ok)


class Stream:
    """What was published, and accepted, in one channel; a publisher waits for each answer, so times ascend as well."""

    def __init__(self, accepted: Sequence[Published]) -> None:
        self._numbers = [record.number for record in accepted]
        self._sent_at = [record.at for record in accepted]
        self._answered_at = [record.answered_at for record in accepted]

    def due(self, since: float, until: float) -> set[int]:
        """Return the events that were sent after a time and accepted well before another."""
        return set(self._numbers[bisect_right(self._sent_at, since) : bisect_left(self._answered_at, until)])

    def holes(self, received: Sequence[int]) -> set[int]:
        """Return the events between the first and the last of those received that aren't among them."""
        if not received:
            return set()
        between = self._numbers[bisect_left(self._numbers, min(received)) : bisect_right(self._numbers, max(received))]
        return set(between) - set(received)


def _streams(story: Story) -> dict[str, Stream]:
    accepted: dict[str, list[Published]] = defaultdict(list)
    for record in story.of(Published):
        if record.status == 200:
            accepted[record.channel].append(record)
    return defaultdict(lambda: Stream([]), {channel: Stream(records) for channel, records in accepted.items()})


def _subscriptions(story: Story) -> Iterable[tuple[Visit, str, list[int]]]:
    """Yield each subscription with the numbers that it received, in the order in which they came."""
    for visit in story.all_visits():
        numbers: dict[str, list[int]] = defaultdict(list)
        for record in visit.received:
            numbers[record.channel].append(record.number)
        for channel in visit.subscribed:
            yield visit, channel, numbers[channel]


def _heard_until(story: Story, visit: Visit) -> float:
    return (story.over_at if visit.ended_at is None else visit.ended_at) - _UNDER_WAY


def _backward_steps(numbers: Sequence[int]) -> int:
    """Count the numbers that came after a higher one; a repetition counts elsewhere."""
    highest = list(accumulate(numbers, max))
    late = [number for number, before in zip(numbers[1:], highest, strict=False) if number < before]
    return sum(1 for number in set(late) if numbers.count(number) == 1)
