"""The table at the end, and the same as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path

from bench.measure import Measure

_VERDICTS = {True: "met", False: "NOT MET", None: ""}


@dataclass(frozen=True, slots=True)
class Result:
    """What one scenario found out about one server; `failure` says why there is nothing."""

    scenario: str
    server: str
    measures: tuple[Measure, ...] = ()
    failure: str = ""


def table(results: Sequence[Sequence[Result]]) -> str:
    """Lay out the results of each scenario, one column a server; reach and verdict are the first server's."""
    servers = [result.server for result in results[0]]
    headings = ["scenario", "measure", "reach", *servers, "verdict"]
    blocks = [list(_rows(row)) for row in results]
    widths = _widths([headings, *(cells for block in blocks for cells in block)])
    lines = [_line(headings, widths), "  ".join("-" * width for width in widths)]
    for row, block in zip(results, blocks, strict=True):
        lines += [_line(cells, widths) for cells in block]
        lines += [f"    {line}" for line in _remarks(row)]
    return "\n".join(lines)


def write_json(path: Path, machine: str, results: Sequence[Sequence[Result]]) -> None:
    """Write every number, those below the lines of the table included."""
    flat = [asdict(result) for row in results for result in row]
    path.write_text(json.dumps({"machine": machine, "results": flat}, indent=2) + "\n")


def _rows(row: Sequence[Result]) -> Iterator[list[str]]:
    if not any(result.measures for result in row):
        yield [row[0].scenario, "", "", *("failed" for _ in row), ""]
    for measures in zip_longest(*(result.measures for result in row)):
        named = next(measure for measure in measures if measure is not None)
        ours = measures[0]
        verdict = _VERDICTS[ours.met] if ours is not None else ""
        yield [row[0].scenario, named.what, named.reach, *map(_value, measures), verdict]


def _value(measure: Measure | None) -> str:
    return "failed" if measure is None else f"{_number(measure.value)} {measure.unit}".rstrip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _remarks(row: Sequence[Result]) -> Iterator[str]:
    for result in row:
        if result.failure:
            yield f"{result.server}: {result.failure}"
    for measure in row[0].measures:
        if measure.details:
            yield f"{measure.what.strip()}: {_told(measure.details)}"


def _told(details: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_number(value)}" for name, value in details.items())


def _widths(rows: list[list[str]]) -> list[int]:
    return [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]


def _line(cells: list[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
