"""What the proof's tests need: Node with the packages of the tests with real clients."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.clients.packages import Missing, require_packages
from tests.roll.broken import break_everything
from tests.roll.scenarios import SCENARIOS
from tests.roll.size import SHORT

if TYPE_CHECKING:
    from tests.roll.judging import Story
    from tests.roll.scenarios import Outcome


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "roll: deploys a cluster under the eyes of real clients")


@pytest.fixture(scope="session")
def javascript() -> None:
    """Skip where JavaScript can't be run; but CI must have run everything, so there it is a failure."""
    try:
        require_packages()
    except Missing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@dataclass(frozen=True, slots=True)
class Beside:
    """What came of two runs in which no gap or pace is measured, and which therefore can share the machine."""

    crash: Outcome
    broken: Story


@pytest.fixture(scope="session")
def beside(javascript: None) -> Beside:
    """A node that is killed, and a server that is broken, at the same time."""
    return asyncio.run(_run_beside())


async def _run_beside() -> Beside:
    crash, broken = await asyncio.gather(SCENARIOS["crash"].run(SHORT), break_everything())
    return Beside(crash, broken)
