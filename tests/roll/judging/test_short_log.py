"""A log of a deploy that went well is found good, by every line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.roll.judging import DEPLOY, table
from tests.roll.judging.short_log import good_deploy, story_of

if TYPE_CHECKING:
    from tests.roll.judging.lines import Line


@pytest.mark.parametrize("line", DEPLOY, ids=lambda line: line.__name__)
def test_line_is_ok_for_a_good_deploy(line: Line) -> None:
    verdict = line(story_of(good_deploy()))
    assert verdict.is_ok, table([verdict])


def test_nothing_is_good_about_a_log_in_which_nothing_happened() -> None:
    records = [record for record in good_deploy() if type(record).__name__ in {"Began", "Over"}]
    story = story_of(records)
    blind = [line.__name__ for line in DEPLOY if line(story).is_ok]
    # What never is to be seen isn't.
    assert blind == ["refused_handshakes", "complaints"]
