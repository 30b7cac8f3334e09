"""The table can be read."""

from __future__ import annotations

import pytest

from tests.roll.judging import Verdict, table
from tests.roll.judging.verdict import seconds


def test_table_has_columns_and_says_what_is_not_ok() -> None:
    verdicts = [
        Verdict("clients that never come back", "0", "1 of 3", is_ok=False),
        Verdict("events lost", "0", "0", is_ok=True),
    ]
    assert table(verdicts).splitlines() == [
        "figure                        must be  measured",
        "-" * 55,
        "clients that never come back  0        1 of 3    NOT OK",
        "events lost                   0        0         ok",
    ]


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (0.0123, "12 ms"), (1.0, "1.00 s"), (61.25, "61.25 s")])
def test_duration_is_shown_as_people_read_it(value: float | None, text: str) -> None:
    assert seconds(value) == text
