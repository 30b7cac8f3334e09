"""The official JavaScript clients against a node: each check of each scenario is a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients.scenarios import FOLDER, find_scenarios

if TYPE_CHECKING:
    from tests.clients.scenarios import Scenarios

pytestmark = pytest.mark.clients

SCENARIOS = find_scenarios()
CHECKS = [
    pytest.param(scenario, check, id=f"{scenario}: {check}")
    for scenario, checks in SCENARIOS.items()
    for check in checks
]


@pytest.mark.parametrize(("scenario", "check"), CHECKS)
def test_javascript_client(scenarios: Scenarios, scenario: str, check: str) -> None:
    outcome = scenarios.report(scenario).of(check)
    assert outcome.ok, outcome.detail


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario_reports_just_its_checks_and_ends_well(scenarios: Scenarios, scenario: str) -> None:
    report = scenarios.report(scenario)
    assert sorted(report.outcomes) == sorted(SCENARIOS[scenario])
    assert report.status == 0, report.errors[-4000:]


def test_lock_file_names_no_place_to_fetch_from() -> None:
    assert '"resolved"' not in (FOLDER.parent / "package-lock.json").read_text(encoding="utf-8")
