"""The table of values in the chart's README, made from the comments of values.yaml.

``python -m tests.helm.values_table`` writes it again, between its marks.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "helm" / "shoal"
_MARKED = re.compile(r"(<!-- begin values -->\n).*?(<!-- end values -->)", re.DOTALL)
_KEY = re.compile(r"( *)(\w+):")


@dataclass(frozen=True, slots=True)
class Value:
    """One value: where it is, what it means, and what it is unless given."""

    path: str
    meaning: str
    default: Any

    @property
    def row(self) -> str:
        default = "" if self.default is None else f"`{json.dumps(self.default, ensure_ascii=False)}`"
        return f"| `{self.path}` | {default} | {self.meaning} |"


def described_values(text: str) -> list[Value]:
    """Return the values that have a comment which begins with ``# --``, in their order."""
    defaults = yaml.safe_load(text)
    found: list[Value] = []
    keys: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            comment.append(line.lstrip()[2:])
        elif match := _KEY.match(line):
            keys = [*keys[: len(match[1]) // 2], match[2]]
            if comment and comment[0].startswith("-- "):
                found.append(Value(".".join(keys), " ".join(comment)[3:], _at(defaults, keys)))
            comment = []
        else:
            comment = []
    return found


def leaves(values: Any, described: set[str], path: str = "") -> list[str]:
    """Return the paths of all values; one that is described as a whole is one, whatever is in it."""
    if path in described or not isinstance(values, dict) or not values:
        return [path]
    return [leaf for key, value in values.items() for leaf in leaves(value, described, f"{path}.{key}".lstrip("."))]


def refreshed(page: str, values: str) -> str:
    """Return the page with its table as it has to be now."""
    rows = ["| value | default | meaning |", "|---|---|---|", *(value.row for value in described_values(values))]
    table = "\n".join(rows)
    return _MARKED.sub(lambda match: f"{match[1]}{table}\n{match[2]}", page)


def _at(values: Any, keys: list[str]) -> Any:
    for key in keys:
        values = values[key]
    return values


def main() -> None:
    """Write the table of the chart's README."""
    page = CHART / "README.md"
    values = (CHART / "values.yaml").read_text(encoding="utf-8")
    page.write_text(refreshed(page.read_text(encoding="utf-8"), values), encoding="utf-8")


if __name__ == "__main__":
    main()
