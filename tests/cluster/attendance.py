"""What members of one presence channel were told of one another, against who was there in the end.

Pure: see :mod:`tests.cluster.history`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.cluster.history import Complaint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Account:
    """What one subscriber was told, from its confirmation on."""

    who: str
    roster: frozenset[str]
    changes: Sequence[tuple[bool, str]]
    """Who came (True) or went (False), in order."""


def check_account(account: Account, truth: set[str] | None) -> list[Complaint]:
    """Return what is wrong with an account; `truth` is who is there now, None if the subscriber has gone."""
    present = set(account.roster)
    complaints = list(_contradictions(account, present))
    if truth is not None:
        complaints += [Complaint("ghost", account.who, user) for user in sorted(present - truth)]
        complaints += [Complaint("missing", account.who, user) for user in sorted(truth - present)]
    return complaints


def _contradictions(account: Account, present: set[str]) -> Iterator[Complaint]:
    """Follow the changes, and keep `present` up with them."""
    for has_come, user in account.changes:
        if has_come and user in present:
            yield Complaint("added twice", account.who, user)
        elif not has_come and user not in present:
            yield Complaint("removed but not there", account.who, user)
        (present.add if has_come else present.discard)(user)
