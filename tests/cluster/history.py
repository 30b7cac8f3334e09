"""What subscribers of one channel saw, against what was sent: is it one order, nothing lost, nothing twice?

Pure: texts in, complaints out. Each text is sent once, so that it stands for the event.

A subscriber doesn't see what it sent itself. What was refused, or whose answer was lost, may have been delivered or
not; but if anybody saw it then everybody did.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Sent:
    """One event of one publisher, who waited for the answer before it sent the next."""

    publisher: str
    number: int
    is_accepted: bool
    """False: nobody knows."""

    @property
    def text(self) -> str:
        """What the event says: which one it is."""
        return f"{self.publisher}#{self.number}"


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something that was promised not to happen."""

    kind: str
    who: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.who}: {self.detail}"


def check_channel(sent: Iterable[Sent], seen: Mapping[str, Sequence[str]]) -> list[Complaint]:
    """Return what is wrong with what `seen` says, by subscriber, all of whom were subscribed all the time.

    A subscriber who bears a publisher's name is that publisher. At least one must not be any.
    """
    by_text = {one.text: one for one in sent}
    publishers = {one.publisher for one in by_text.values()}
    witness = next(name for name in seen if name not in publishers)
    complaints = [complaint for name, texts in seen.items() for complaint in _alone(name, texts, by_text)]
    everything = set().union(*seen.values())
    everything |= {text for text, one in by_text.items() if one.is_accepted}
    for name, texts in seen.items():
        missing = {text for text in everything - set(texts) if text not in by_text or by_text[text].publisher != name}
        complaints += [Complaint("lost", name, text) for text in sorted(missing)]
    for name, texts in seen.items():
        complaints += _against(witness, seen[witness], name, texts)
    return complaints


def _alone(name: str, texts: Sequence[str], by_text: Mapping[str, Sent]) -> Iterator[Complaint]:
    """Judge one subscriber without looking at others."""
    for text, times in Counter(texts).items():
        if times > 1:
            yield Complaint("duplicate", name, f"{text}, {times} times")
        if text not in by_text:
            yield Complaint("never sent", name, text)
    last: defaultdict[str, int] = defaultdict(int)
    for one in (by_text[text] for text in dict.fromkeys(texts) if text in by_text):
        if one.number < last[one.publisher]:
            yield Complaint("publisher's order", name, f"{one.text} after number {last[one.publisher]}")
        last[one.publisher] = one.number


def _against(witness: str, reference: Sequence[str], name: str, texts: Sequence[str]) -> Iterator[Complaint]:
    """Compare the order of what two subscribers both saw."""
    places = {text: place for place, text in enumerate(dict.fromkeys(reference))}
    common = [text for text in dict.fromkeys(texts) if text in places]
    for one, other in pairwise(common):
        if places[one] > places[other]:
            yield Complaint("order", name, f"{one} before {other}; {witness} saw the reverse")
