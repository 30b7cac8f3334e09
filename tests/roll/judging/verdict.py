"""One line of the table, and the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a figure must be, what it is, and whether that will do."""

    figure: str
    must_be: str
    measured: str
    is_ok: bool


_HEAD = Verdict("figure", "must be", "measured", is_ok=True)


def table(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts as text, a line each."""
    lines = [_HEAD, *verdicts]
    figure, must_be, measured = (
        max(len(getattr(line, column)) for line in lines) for column in ("figure", "must_be", "measured")
    )
    rows = [
        f"{line.figure:<{figure}}  {line.must_be:<{must_be}}  {line.measured:<{measured}}  {_word(line)}".rstrip()
        for line in lines
    ]
    return "\n".join([rows[0], "-" * max(map(len, rows)), *rows[1:]])


def _word(line: Verdict) -> str:
    if line is _HEAD:
        return ""
    return "ok" if line.is_ok else "NOT OK"


def seconds(value: float | None) -> str:
    """Return a duration as people read it."""
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"
