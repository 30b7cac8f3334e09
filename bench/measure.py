"""One measured number beside what it should reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Measure:
    """A line of the table; where there is no reach, `met` is None and the number is only told."""

    what: str
    value: float
    unit: str
    reach: str = ""
    met: bool | None = None
    details: Mapping[str, float] = field(default_factory=dict)


def at_least(what: str, value: float, limit: float, unit: str, **details: float) -> Measure:
    """Return a measure that should not be smaller than its limit."""
    return Measure(what, value, unit, f">= {limit:,g} {unit}", value >= limit, details)


def at_most(what: str, value: float, limit: float, unit: str, **details: float) -> Measure:
    """Return a measure that should not be larger than its limit."""
    return Measure(what, value, unit, f"<= {limit:,g} {unit}", value <= limit, details)


def told(what: str, value: float, unit: str, **details: float) -> Measure:
    """Return a measure that nothing is demanded of."""
    return Measure(what, value, unit, details=details)


def estimated_there(value: float, unit: str, *, slowness: float) -> Measure:
    """Return what a number would have been where its reach was set, on a machine faster by this factor."""
    there = value * slowness if unit == "/s" else value / slowness
    return told("  estimate for the machine of the reach", there, unit, slowness_here=slowness)


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median over the rounds of each number in them."""
    return {name: median(each[name] for each in rounds) for name in rounds[0]}
