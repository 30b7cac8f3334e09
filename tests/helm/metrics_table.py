"""The table of metrics in docs/observing.md, made from what a node exposes.

``python -m tests.helm.metrics_table`` writes it again, between its marks.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from tests.helm.exposed import exposition

if TYPE_CHECKING:
    from prometheus_client import Metric

PAGE = Path(__file__).parents[2] / "docs" / "observing.md"
_MARKED = re.compile(r"(<!-- begin metrics -->\n).*?(<!-- end metrics -->)", re.DOTALL)
_SUFFIX = {"counter": "_total"}
_NOT_OURS = {"le"}


def refreshed(page: str, exposed: str) -> str:
    """Return the page with its table as it has to be now."""
    families = [family for family in text_string_to_metric_families(exposed) if family.name.startswith("shoal_")]
    rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|", *(_row(family) for family in families)]
    table = "\n".join(rows)
    return _MARKED.sub(lambda match: f"{match[1]}{table}\n{match[2]}", page)


def _row(family: Metric) -> str:
    labels = sorted({label for sample in family.samples for label in sample.labels} - _NOT_OURS)
    name = family.name + _SUFFIX.get(family.type, "")
    return f"| `{name}` | {family.type} | {', '.join(f'`{label}`' for label in labels)} | {family.documentation} |"


def main() -> None:
    """Write the table of the page."""
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8"), exposition()), encoding="utf-8")


if __name__ == "__main__":
    main()
