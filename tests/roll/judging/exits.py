"""Whether the nodes ended as they should: by themselves, in time, with nothing to complain about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.roll.judging.verdict import Verdict, seconds
from tests.roll.log import Complained, Exited, Told

if TYPE_CHECKING:
    from tests.roll.judging.story import Story


def exit_statuses(story: Story) -> Verdict:
    exits = {record.node: record.status for record in story.of(Exited)}
    statuses = [exits.get(told.node) for told in story.of(Told)]
    shown = ", ".join("still runs" if status is None else str(status) for status in statuses)
    return Verdict("exit status of the old nodes", "0", shown or "none", set(statuses) == {0})


def untold_exit(story: Story) -> Verdict:
    """Judge the exit status of nodes, each of which had one client that couldn't be told to go."""
    exits = {record.node: record.status for record in story.of(Exited)}
    statuses = [exits.get(told.node) for told in story.of(Told)]
    return Verdict(
        "exit status, with a client that never reads", "1", ", ".join(map(str, statuses)), set(statuses) == {1}
    )


def exit_times(story: Story) -> Verdict:
    times, grace = _exit_times(story), story.terms.grace
    is_ok = bool(times) and all(time is not None and time <= grace for time in times)
    return Verdict("time from SIGTERM to exit", f"<= {grace:g} s", _shown(times), is_ok)


def undelayed_exits(story: Story) -> Verdict:
    """Judge the time that clients which don't take part in their close may cost."""
    times, limit = _exit_times(story), story.terms.undelayed + story.terms.stubborn_delay + story.terms.patience
    is_ok = bool(times) and all(time is not None and time <= limit for time in times)
    must_be = f"<= {story.terms.undelayed + story.terms.patience:.1f} + {story.terms.stubborn_delay:g} s"
    return Verdict("time from SIGTERM to exit, with stubborn clients", must_be, _shown(times), is_ok)


def complaints(story: Story) -> Verdict:
    lines = story.of(Complained)
    shown = f"{len(lines)}: {lines[0].node}: {lines[0].line[:120]}" if lines else "0"
    return Verdict("errors in the nodes' logs", "0", shown, not lines)


def _exit_times(story: Story) -> list[float | None]:
    exits = {record.node: record.at for record in story.of(Exited)}
    return [exits[told.node] - told.at if told.node in exits else None for told in story.of(Told)]


def _shown(times: list[float | None]) -> str:
    return ", ".join("still runs" if time is None else seconds(time) for time in times) or "none"
