"""The proof would be worth nothing if it found nothing: with a broken server, each line of its table is not ok."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.roll.broken import IN_SHORT
from tests.roll.judging import DEPLOY, Story, table
from tests.roll.judging.exits import complaints

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.roll.conftest import Beside
    from tests.roll.judging import Verdict

pytestmark = pytest.mark.roll

# Nothing that happens on the wire makes a node log an error.
LINES = [line for line in DEPLOY if line is not complaints]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.__name__)
def test_line_is_not_ok_with_a_broken_server(beside: Beside, line: Callable[[Story], Verdict]) -> None:
    verdict = line(beside.broken)
    assert not verdict.is_ok, table([verdict])


@pytest.mark.parametrize("name", IN_SHORT)
def test_one_thing_that_is_wrong_is_noticed_by_the_lines_that_are_about_it(beside: Beside, name: str) -> None:
    verdict = beside.servers[name]
    assert verdict.is_ok, table([verdict])
