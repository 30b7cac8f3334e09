"""The alerts: Prometheus reads them, they fire when they should, and each has a page that says what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.compose.programs import needed_program, output_of
from tests.helm.chart import CHART, ROOT, render, values_of
from tests.helm.promql import metrics_read

if TYPE_CHECKING:
    from tests.helm.chart import Document

ALERTS = CHART / "files" / "alerts.yaml"
CASES = Path(__file__).with_name("alerts.test.yaml")
RULES: list[Document] = [
    rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]
]


def test_prometheus_reads_the_rules() -> None:
    promtool = needed_program("promtool", "prometheus")
    assert f"SUCCESS: {len(RULES)} rules found" in output_of(promtool, "check", "rules", ALERTS)


def test_alerts_fire_when_they_should_and_not_in_a_deploy() -> None:
    promtool = needed_program("promtool", "prometheus")
    assert "SUCCESS" in output_of(promtool, "test", "rules", CASES)


def test_every_alert_is_tried() -> None:
    cases = yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"]
    fired = {
        trial["alertname"]
        for case in cases
        for trial in case["alert_rule_test"]
        if any(alert["exp_labels"] for alert in trial.get("exp_alerts", []))
    }
    assert fired == {rule["alert"] for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_alert_reads_what_a_node_exposes(rule: Document, exposed: dict[str, set[str]]) -> None:
    read = list(metrics_read(rule["expr"]))
    assert read
    for name, labels in read:
        assert name == "up" or labels <= exposed[name], f"{name}{set(labels)}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_alert_has_a_section_that_says_what_to_do(rule: Document) -> None:
    page = (ROOT / "docs" / "observing.md").read_text(encoding="utf-8")
    sections = {heading.lower() for heading in re.findall(r"^### (\w+)$", page, re.MULTILINE)}
    url = rule["annotations"]["runbook_url"]
    assert url == f"docs/observing.md#{rule['alert'].lower()}"
    assert rule["alert"].lower() in sections
    assert rule["labels"]["severity"] in {"critical", "warning"}


def test_page_has_no_section_for_an_alert_that_is_gone() -> None:
    page = (ROOT / "docs" / "observing.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^### (Shoal\w+)$", page, re.MULTILINE)) == {rule["alert"] for rule in RULES}


def test_chart_installs_the_same_alerts_with_your_address_of_the_page() -> None:
    installed = render(values_of("production")).one("PrometheusRule")
    ours = ALERTS.read_text(encoding="utf-8").replace("docs/observing.md", "https://wiki.example.com/shoal/observing")
    assert installed["spec"] == yaml.safe_load(ours)
    assert installed["apiVersion"] == "monitoring.coreos.com/v1"
    assert installed["metadata"]["labels"]["release"] == "prometheus"


def test_names_in_expressions_are_found_with_their_labels() -> None:
    expression = 'sum by (app) (rate(shoal_a_total{code="4100", instance=~"x"}[5m])) / shoal_b and up == 1'
    assert list(metrics_read(expression)) == [
        ("shoal_a_total", frozenset({"code"})),
        ("shoal_b", frozenset()),
        ("up", frozenset()),
    ]
