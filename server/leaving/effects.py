"""What a :class:`~server.leaving.course.Course` decides, to be carried out in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from server.leaving.pace import Pace
    from server.lifecycle import State


@dataclass(frozen=True, slots=True)
class Enter:
    """A state has begun: let others know."""

    state: State


@dataclass(frozen=True, slots=True)
class AskNodes:
    """Find out the states of all nodes, and hand them to :meth:`Course.hear`."""


@dataclass(frozen=True, slots=True)
class CloseClients:
    """Tell so many clients, any of them, to come back elsewhere."""

    number: int


@dataclass(frozen=True, slots=True)
class Force:
    """Time is short: it has to go faster than the other nodes can well take."""

    pace: Pace


@dataclass(frozen=True, slots=True)
class CutOff:
    """End the connections that are still closing."""


@dataclass(frozen=True, slots=True)
class Flush:
    """Finish what is under way, and report with :meth:`Course.finished`."""


@dataclass(frozen=True, slots=True)
class SignOff:
    """Take leave of the cluster, and report with :meth:`Course.finished`."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Wait no longer for what was begun last."""


Effect: TypeAlias = Enter | AskNodes | CloseClients | Force | CutOff | Flush | SignOff | GiveUp
