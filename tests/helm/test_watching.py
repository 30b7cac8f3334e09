"""Prometheus finds nodes, and Grafana's dashboard shows what they tell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.compose.programs import needed_program, output_of
from tests.helm.chart import CHART, render, values_of
from tests.helm.metrics_table import PAGE, refreshed
from tests.helm.promql import metrics_read

if TYPE_CHECKING:
    from pathlib import Path

DASHBOARD: dict[str, Any] = json.loads((CHART / "files" / "dashboard.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
# There are no schemas of the operator's kinds to be installed, so each field is named here: as they are, its own types
# of release 0.92, read strictly, have taken them.
OPERATOR = "monitoring.coreos.com/v1"
JOB = [{"targetLabel": "job", "replacement": "shoal"}]


def test_pods_are_scraped_under_the_job_that_alerts_look_for() -> None:
    rendered = render(values_of("production"))
    monitor = rendered.one("PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint == {"port": "metrics", "path": "/metrics", "interval": "15s", "relabelings": JOB}
    assert (monitor["apiVersion"], monitor["spec"].keys()) == (OPERATOR, {"selector", "podMetricsEndpoints"})
    labels = rendered.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_scraping_by_service_sees_nodes_that_leave() -> None:
    rendered = render(values_of("alb"))
    service, monitor = rendered.one("Service", "shoal-metrics"), rendered.one("ServiceMonitor")
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint == {"port": "metrics", "path": "/metrics", "interval": "30s", "relabelings": JOB}
    assert (monitor["apiVersion"], monitor["spec"].keys()) == (OPERATOR, {"selector", "endpoints"})


def test_clients_service_is_not_scraped_as_well() -> None:
    rendered = render(values_of("alb"))
    wanted = rendered.one("ServiceMonitor")["spec"]["selector"]["matchLabels"]
    assert not wanted.items() <= rendered.one("Service")["metadata"]["labels"].items()


def test_dashboard_is_installed_whole_where_the_sidecar_looks() -> None:
    config = render(values_of("production")).one("ConfigMap", "shoal-dashboard")
    assert json.loads(config["data"]["shoal.json"]) == DASHBOARD
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_panel_shows_what_a_node_exposes(panel: dict[str, Any], exposed: dict[str, set[str]]) -> None:
    for target in panel["targets"]:
        read = list(metrics_read(target["expr"]))
        assert read
        for name, labels in read:
            assert labels <= exposed[name], f"{name}{set(labels)}"


def test_prometheus_reads_the_dashboards_expressions(tmp_path: Path) -> None:
    promtool = needed_program("promtool", "prometheus")
    plain = [expr.replace("$__rate_interval", "1m").replace("$instance", ".*") for expr in EXPRESSIONS]
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(plain)]
    path = tmp_path / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    assert f"{len(rules)} rules found" in output_of(promtool, "check", "rules", path)


def test_panels_are_numbered_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_panels_ask_the_chosen_source_and_have_a_unit() -> None:
    names = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    assert names == {"datasource", "instance"}
    for panel in PANELS:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["fieldConfig"]["defaults"]["unit"]


def test_page_about_metrics_has_each_as_it_is(exposed_text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert refreshed(page, exposed_text) == page, "run: python -m tests.helm.metrics_table"
