"""What tests of the cluster share: how long and how randomly they run, observers, and a table of what was measured."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.cluster.observer import Crowd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(1_000_000))
"""From which every random choice of these tests is drawn."""
MINUTES = float(os.environ.get("CHAOS_MINUTES") or 0.0)
"""How long the scenarios run that can run for any time; 0 for their short forms."""


_MEASURED = "measured in the cluster"


@pytest.fixture
def seed() -> int:
    return SEED


@pytest.fixture
def seconds() -> Callable[[float], float]:
    """Return how long a scenario is to run whose short form takes so many seconds."""
    return lambda short: MINUTES * 60.0 or short


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Note a line for the table at the end."""
    return lambda text: request.node.user_properties.append((_MEASURED, text))


@pytest.fixture
def promised(measured: Callable[[str], None]) -> Callable[[str, float, float], None]:
    """Hold how long something took, in seconds, against what is promised.

    The long forms fail where that isn't kept, since they have a machine to themselves. The short ones tell it.
    """

    def hold(what: str, took: float, within: float) -> None:
        is_kept = took <= within
        measured(f"{what} after {took:.2f} s; promised: {within:g} s{'' if is_kept else ', NOT KEPT'}")
        assert is_kept or not MINUTES, f"{what} after {took:.2f} s instead of {within:g} s"

    return hold


@pytest.fixture(autouse=True)
def _shows_its_seed() -> None:
    """Have it at hand when a test fails."""
    print(f"CHAOS_SEED={SEED}")


@pytest.fixture
async def crowd() -> AsyncIterator[Crowd]:
    """Observers, who leave at the end."""
    everybody = Crowd()
    yield everybody
    await everybody.leave()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give long forms the time they take, beyond what any test may."""
    if MINUTES:
        usual = float(config.getini("timeout"))
        for item in items:
            item.add_marker(pytest.mark.timeout(usual + MINUTES * 60.0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = [
        f"{report.nodeid.rpartition('::')[2]}: {text}"
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, text in report.user_properties
        if name == _MEASURED and report.when == "call"
    ]
    if lines:
        terminalreporter.section(_MEASURED)
    for line in lines:
        terminalreporter.line(line)
