"""What the proof's tests need: Node with the packages of the tests with real clients."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.clients.packages import require_or_skip
from tests.roll.broken import IN_SHORT, SERVERS, break_everything
from tests.roll.scenarios import SCENARIOS
from tests.roll.size import SHORT

if TYPE_CHECKING:
    from tests.roll.judging import Story, Verdict
    from tests.roll.scenarios import Outcome


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "roll: deploys a cluster under the eyes of real clients")


@pytest.fixture(scope="session")
def javascript() -> None:
    """Skip where JavaScript can't be run."""
    require_or_skip()


@dataclass(frozen=True, slots=True)
class Beside:
    """What came of runs in which no gap or pace is measured, and which therefore can share the machine."""

    crash: Outcome
    broken: Story
    """Of a server with which everything is wrong."""
    servers: dict[str, Verdict]
    """What was noticed about servers with which one thing is."""


@pytest.fixture(scope="session")
def beside(javascript: None) -> Beside:
    """A node that is killed, and servers that are broken, at the same time."""
    return asyncio.run(_run_beside())


async def _run_beside() -> Beside:
    chosen = [server for server in SERVERS if server.name in IN_SHORT]
    async with asyncio.TaskGroup() as tasks:
        crash = tasks.create_task(SCENARIOS["crash"].run(SHORT))
        broken = tasks.create_task(break_everything())
        verdicts = [tasks.create_task(server.judge()) for server in chosen]
    servers = {server.name: task.result() for server, task in zip(chosen, verdicts, strict=True)}
    return Beside(crash.result(), broken.result(), servers)
