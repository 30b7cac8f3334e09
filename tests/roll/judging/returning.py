"""Whether clients come back: all of them, soon, at the first attempt, and not all at once."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.roll.judging.verdict import Verdict, seconds
from tests.roll.log import Exited, Stalled, Told

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.roll.judging.story import Story, Visit

P50, P99, MAX = 0.1, 1.0, 2.0
ATTEMPTS = 1.02
"""Attempts for each lost connection."""
PACE_MARGIN = 1.1


def never_back(story: Story) -> Verdict:
    residents = [guest.name for guest in story.crowd.values() if guest.returns and not guest.visits]
    missing = [name for name in residents if not story.is_back(name)]
    return Verdict("clients that never come back", "0", f"{len(missing)} of {len(residents)}", not missing)


def refused_handshakes(story: Story) -> Verdict:
    """Judge the attempts that failed; to be asked to come back in a second (4100) is no failure."""
    failures = Counter(visit.failure for visit in story.all_visits() if visit.failure and story.counts(visit.ended_at))
    late = failures.pop("4100", 0)
    shown = ", ".join(f"{count} {how}" for how, count in failures.items()) or "0"
    figure = "handshakes refused, 5xx, or closed before established"
    return Verdict(figure, "0 (but 4100)", f"{shown} ({late} with 4100)", not failures)


def offline_gaps(story: Story) -> Verdict:
    gaps = sorted(gap for visits in _returning(story) for gap in _gaps(story, visits))
    limits = [limit + story.terms.patience for limit in (P50, P99, MAX)]
    must_be = f"< {' / '.join(map(seconds, limits))}"
    if not gaps:
        return Verdict("offline gap: p50 / p99 / max", must_be, "nobody was offline", is_ok=False)
    found = [quantile(gaps, 0.5), quantile(gaps, 0.99), gaps[-1]]
    is_ok = all(gap < limit for gap, limit in zip(found, limits, strict=True))
    return Verdict("offline gap: p50 / p99 / max", must_be, " / ".join(map(seconds, found)), is_ok)


def _returning(story: Story) -> list[list[Visit]]:
    return [visits for name, visits in story.visits.items() if story.crowd[name].returns]


def _gaps(story: Story, visits: list[Visit]) -> Iterable[float]:
    """Yield the times from each loss of a connection to being subscribed to everything again."""
    lost_at: float | None = None
    for visit in visits:
        back_at = _complete_at(story, visit)
        if lost_at is not None and back_at is not None:
            yield back_at - lost_at
            lost_at = None
        if lost_at is None and story.is_lost(visit):
            lost_at = visit.ended_at


def _complete_at(story: Story, visit: Visit) -> float | None:
    """Return when a connection had all its subscriptions, None if never."""
    if not set(story.crowd[visit.client].channels) <= visit.subscribed.keys():
        return None
    return max(confirmation.at for confirmation in visit.subscribed.values())


def attempts_per_loss(story: Story) -> Verdict:
    lost = sum(1 for visits in _returning(story) for visit in visits if story.is_lost(visit))
    ratio = len(list(returns(story))) / lost if lost else 0.0
    return Verdict(
        "attempts per lost connection", f"<= {ATTEMPTS}", f"{ratio:.3f} ({lost} lost)", 0 < ratio <= ATTEMPTS
    )


def returns(story: Story) -> Iterable[float]:
    """Yield the times of the attempts to come back: those after a lost connection or a failed attempt."""
    for visits in _returning(story):
        for before, after in pairwise(visits):
            is_forced = before.code is not None or before.failure is not None
            if is_forced and story.counts(before.ended_at):
                yield after.attempted_at


def reconnects_in_a_second(story: Story) -> Verdict:
    """Judge the fullest second there is, wherever it begins, by how many nodes were leaving then.

    A fleet whose process stood still sees what it missed all at once: the second was that much longer.
    """
    worst = max(_crowding(story), default=None)
    must_be = f"<= {PACE_MARGIN} x {story.terms.pace:g} a leaving node"
    if worst is None:
        return Verdict("reconnects in any second", must_be, "nobody came back", is_ok=False)
    measured = f"{worst.number} with {worst.nodes} leaving"
    if worst.stalled:
        measured += f", in {1 + worst.stalled:.2f} s"
    return Verdict("reconnects in any second", must_be, measured, worst.ratio <= PACE_MARGIN)


@dataclass(frozen=True, slots=True, order=True)
class _Second:
    """How full a second was."""

    ratio: float
    """1 is the agreed pace."""
    number: int
    nodes: int
    stalled: float


def _crowding(story: Story) -> Iterable[_Second]:
    """Yield the second that ends with each return."""
    leaving, stalls = _departures(story), story.of(Stalled)
    window: deque[float] = deque()
    for at in sorted(returns(story)):
        window.append(at)
        while window[0] <= at - 1.0:
            window.popleft()
        # The last one that a node closed may come when the node is gone.
        nodes = max(1, sum(1 for begin, end in leaving if begin <= at and window[0] <= end))
        stalled = max((s.seconds for s in stalls if s.at - s.seconds <= at and window[0] <= s.at + 0.1), default=0.0)
        yield _Second(len(window) / (story.terms.pace * nodes * (1 + stalled)), len(window), nodes, stalled)


def _departures(story: Story) -> Sequence[tuple[float, float]]:
    """Return from when to when each node was leaving."""
    exits = {record.node: record.at for record in story.of(Exited)}
    return [(told.at, exits.get(told.node, story.over_at)) for told in story.of(Told)]


def close_codes(story: Story) -> Verdict:
    codes = Counter(visit.code for visit in story.lost())
    shown = ", ".join(f"{count} x {code}" for code, count in sorted(codes.items(), key=str)) or "none"
    return Verdict("close codes of established sockets", "4200 only", shown, codes.keys() == {4200})


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
