"""Which lines each scenario is judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from tests.roll.judging.delivery import events, publishes
from tests.roll.judging.exits import complaints, exit_statuses, exit_times, undelayed_exits, untold_exit
from tests.roll.judging.presence import quiet_presence, removed_in_time, removed_once, rosters
from tests.roll.judging.returning import (
    attempts_per_loss,
    close_codes,
    never_back,
    offline_gaps,
    reconnects_in_a_second,
    refused_handshakes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.roll.judging.story import Story
    from tests.roll.judging.verdict import Verdict

Line: TypeAlias = "Callable[[Story], Verdict]"

DEPLOY: tuple[Line, ...] = (
    never_back,
    refused_handshakes,
    offline_gaps,
    attempts_per_loss,
    reconnects_in_a_second,
    quiet_presence,
    removed_once,
    rosters,
    publishes,
    events,
    close_codes,
    exit_statuses,
    exit_times,
    complaints,
)
"""For nodes that are told to leave."""

LATE: tuple[Line, ...] = tuple(
    line for line in DEPLOY if line not in (offline_gaps, attempts_per_loss, reconnects_in_a_second)
)
"""For nodes to which the balancer sends clients when they drain already: some are asked to come back in a second."""

CRASH: tuple[Line, ...] = (never_back, quiet_presence, removed_once, removed_in_time, rosters, events, complaints)
"""For a node that is killed: its clients see a broken connection, and come back after a second."""

KILLED_LEAVING: tuple[Line, ...] = (never_back, quiet_presence, removed_once, rosters, events, complaints)
"""For a node that is killed while it leaves: its clients see either, and nobody is announced as gone who comes back."""

STUBBORN: tuple[Line, ...] = (
    never_back,
    refused_handshakes,
    offline_gaps,
    attempts_per_loss,
    reconnects_in_a_second,
    quiet_presence,
    publishes,
    events,
    close_codes,
    untold_exit,
    undelayed_exits,
    complaints,
)
"""For a node that is told to leave while it has clients that don't take part in it."""
