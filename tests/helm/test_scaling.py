"""More and fewer nodes by load: up at once, down at the speed of drains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.helm.chart import render, with_values

if TYPE_CHECKING:
    from tests.helm.chart import Document


def test_autoscaler_owns_the_number_of_nodes() -> None:
    assert "replicas" not in render(with_values("production")).one("Deployment")["spec"]
    assert render(with_values("alb")).one("Deployment")["spec"]["replicas"] == 3
    spec = _autoscaler()
    assert (spec["minReplicas"], spec["maxReplicas"]) == (4, 20)
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shoal"}


def test_load_is_cpu_by_amount_and_connections() -> None:
    cpu, connections = _autoscaler()["metrics"]
    assert cpu["resource"] == {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "600m"}}
    assert connections["pods"] == {
        "metric": {"name": "shoal_connections"},
        "target": {"type": "AverageValue", "averageValue": "10000"},
    }


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [({"connections": None}, ["Resource"]), ({"cpu": None}, ["Pods"]), ({"cpu": ""}, ["Pods"])],
)
def test_each_measure_of_load_can_be_left_out(changes: dict[str, object], kinds: list[str]) -> None:
    assert [metric["type"] for metric in _autoscaler(autoscaling=changes)["metrics"]] == kinds


@pytest.mark.parametrize(("drain", "period"), [({}, 300), ({"max": 300}, 2 * 323), ({"max": 1500}, 1800)])
def test_one_node_at_a_time_leaves_when_the_last_drain_is_over(drain: dict[str, object], period: int) -> None:
    down = _autoscaler(drain=drain)["behavior"]["scaleDown"]
    assert down == {
        "stabilizationWindowSeconds": 1800,
        "selectPolicy": "Min",
        "policies": [{"type": "Pods", "value": 1, "periodSeconds": period}],
    }


def test_nodes_are_added_without_delay() -> None:
    assert _autoscaler()["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 0


def _autoscaler(**changes: Any) -> Document:
    spec: Document = render(with_values("production", **changes)).one("HorizontalPodAutoscaler")["spec"]
    return spec
