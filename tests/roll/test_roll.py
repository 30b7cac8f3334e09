"""A deploy drops nobody: the proof in short, for every commit. `python -m tests.roll` is the whole of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.roll.judging import table
from tests.roll.scenarios import SCENARIOS
from tests.roll.size import SHORT

if TYPE_CHECKING:
    from tests.roll.conftest import Beside

pytestmark = pytest.mark.roll


@pytest.mark.parametrize("scenario", ["one-by-one", "at-once", "stubborn"])
def test_everything_is_as_it_must_be_when_nodes_leave(javascript: None, scenario: str) -> None:
    verdicts = asyncio.run(SCENARIOS[scenario].run(SHORT))
    assert all(verdict.is_ok for verdict in verdicts), f"{SCENARIOS[scenario].title}\n{table(verdicts)}"


def test_everything_is_as_it_must_be_when_a_node_is_killed(beside: Beside) -> None:
    assert all(verdict.is_ok for verdict in beside.crash), table(beside.crash)
