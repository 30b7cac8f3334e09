"""Scenarios in JavaScript: a script with several checks, whose names are known without running it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.clients.apps import APPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness import RunningNode

FOLDER = Path(__file__).parent / "javascript"
_CHECK = re.compile(r'^check\("((?:[^"\\]|\\.)+)"', re.MULTILINE)
_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check came to."""

    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a scenario's process printed, and how it ended."""

    outcomes: dict[str, Outcome]
    status: int
    errors: str

    def of(self, check: str) -> Outcome:
        """Return what a check came to; none at all is a failure."""
        missing = Outcome(False, f"not reported; the process ended with {self.status}:\n{self.errors[-4000:]}")
        return self.outcomes.get(check, missing)


def find_scenarios() -> dict[str, list[str]]:
    """Return the checks of each scenario, by its path without the suffix."""
    paths = sorted(FOLDER.glob("*/*.mjs"))
    found = {path.relative_to(FOLDER).with_suffix("").as_posix(): checks_in(path.read_text("utf-8")) for path in paths}
    return {scenario: checks for scenario, checks in found.items() if checks}


def checks_in(script: str) -> list[str]:
    """Return the names of the checks of a script."""
    return [json.loads(f'"{name}"') for name in _CHECK.findall(script)]


class Scenarios:
    """Runs each scenario at most once, against the node that it is meant for."""

    def __init__(self, node_for: Callable[[str], RunningNode]) -> None:
        self._node_for = node_for
        self._reports: dict[str, Report] = {}

    def report(self, scenario: str) -> Report:
        """Return the report of a scenario, having run it if it wasn't yet."""
        if scenario not in self._reports:
            self._reports[scenario] = self._run(FOLDER / f"{scenario}.mjs", self._node_for(scenario))
        return self._reports[scenario]

    def _run(self, path: Path, node: RunningNode) -> Report:
        setting = json.dumps({"host": node.host, "port": node.port, "apps": APPS})
        done = subprocess.run(
            ["node", str(FOLDER / "run.mjs"), str(path)],
            env=os.environ | {"SHOAL_TEST_NODE": setting},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
        )
        return Report(_parse(done.stdout), done.returncode, done.stderr)


def _parse(output: str) -> dict[str, Outcome]:
    lines = [json.loads(line) for line in output.splitlines()]
    return {line["name"]: Outcome(line["ok"], line["detail"]) for line in lines}
