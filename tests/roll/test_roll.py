"""A deploy drops nobody: the proof in short, for every commit. `make roll` is the whole of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.roll.scenarios import SCENARIOS, TWICE, Scenario
from tests.roll.size import SHORT

if TYPE_CHECKING:
    from tests.roll.conftest import Beside

pytestmark = pytest.mark.roll


@pytest.mark.parametrize("scenario", [TWICE, SCENARIOS["stubborn"]], ids=["deploys", "stubborn"])
def test_everything_is_as_it_must_be_when_nodes_leave(javascript: None, scenario: Scenario) -> None:
    outcome = asyncio.run(scenario.run(SHORT))
    assert outcome.is_ok, f"{scenario.title}\n{outcome}"


def test_everything_is_as_it_must_be_when_a_node_is_killed(beside: Beside) -> None:
    assert beside.crash.is_ok, str(beside.crash)
