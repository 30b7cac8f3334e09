"""A deploy by the chart: nodes get the time that they need, and there is always one to come back to."""

from __future__ import annotations

from math import ceil

import pytest

from server.config.settings import FLUSHING, Settings
from tests.helm.chart import refusal_of, render, values_of, with_values


@pytest.mark.parametrize(
    ("drain", "seconds"),
    [
        ({}, 5 + 60 + 18),
        ({"settle": 90, "max": 120}, 90 + 120 + 18),
        ({"settle": 2.5, "max": 20.2}, 41),
        ({"settle": 0, "max": 1}, 19),
        ({"gracePeriod": 83}, 83),
        ({"gracePeriod": 600}, 600),
    ],
)
def test_grace_period_is_settle_and_drain_and_18_seconds_or_more(drain: dict[str, object], seconds: int) -> None:
    rendered = render(with_values("minimal", drain=drain))
    assert rendered.pod["terminationGracePeriodSeconds"] == seconds
    assert rendered.environment["SHOAL_GRACE"] == str(seconds)


def test_what_is_added_is_what_the_node_itself_demands() -> None:
    defaults = Settings()
    ends = defaults.close_timeout, defaults.abort_timeout, defaults.flush_timeout, defaults.sign_off_timeout
    assert sum(ends) == FLUSHING == 18


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({"abort_timeout": 10}, 88),
        ({"close_timeout": 5}, 85),
        ({"flush_timeout": 20}, 98),
        ({"sign_off_timeout": 7}, 85),
        ({"abort_timeout": 13, "close_timeout": 13, "flush_timeout": 8.5}, 105),
        ({"abort_timeout": 3}, 83),
    ],
)
def test_longer_timeouts_lengthen_the_grace_period_and_shorter_ones_leave_it_as_the_node_demands(
    settings: dict[str, float], seconds: int
) -> None:
    rendered = render(with_values("minimal", settings=settings))
    assert rendered.pod["terminationGracePeriodSeconds"] == seconds
    assert ceil(Settings(settle=5, drain_max=60, **settings).needed_grace) == seconds


def test_grace_period_that_is_too_short_is_refused_with_the_sum() -> None:
    refusal = refusal_of(with_values("minimal", drain={"gracePeriod": 82}))
    assert "drain.gracePeriod is 82, but a node needs 83 seconds to leave" in refusal
    assert "drain.settle 5 + drain.max 60 + 18" in refusal


def test_node_settles_by_itself_and_not_in_a_hook_as_well() -> None:
    rendered = render(values_of("minimal"))
    assert "lifecycle" not in rendered.container
    assert rendered.environment["SHOAL_SETTLE"] == "5"


def test_no_node_leaves_before_its_replacement_is_ready() -> None:
    deployment = render(values_of("minimal")).one("Deployment")["spec"]
    assert deployment["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "100%"},
    }
    assert deployment["minReadySeconds"] == 10


def test_surge_can_be_one_node() -> None:
    deployment = render(values_of("alb")).one("Deployment")["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


@pytest.mark.parametrize("surge", [0, "0%", "many"])
def test_deploy_that_could_never_begin_is_refused(surge: object) -> None:
    assert "maxSurge" in refusal_of(with_values("minimal", strategy={"maxSurge": surge}))


def test_clients_are_not_sent_back_to_the_node_that_closed_them() -> None:
    assert render(values_of("minimal")).one("Service")["spec"]["sessionAffinity"] == "None"


def test_evictions_take_one_node_at_a_time_and_any_that_is_not_ready() -> None:
    budget = render(values_of("production")).one("PodDisruptionBudget")["spec"]
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


def test_new_nodes_are_spread_among_themselves() -> None:
    constraints = render(values_of("production")).pod["topologySpreadConstraints"]
    assert [constraint["topologyKey"] for constraint in constraints] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]
    assert all(constraint["matchLabelKeys"] == ["pod-template-hash"] for constraint in constraints)
    assert {constraint["whenUnsatisfiable"] for constraint in constraints} == {"DoNotSchedule"}


def test_other_credentials_make_a_deploy() -> None:
    before, after = (
        render(with_values("minimal", apps={"list": [{"id": "1", "key": "k", "secret": secret}]}))
        for secret in ("old", "new")
    )
    checksums = [
        rendered.one("Deployment")["spec"]["template"]["metadata"]["annotations"]["checksum/secret"]
        for rendered in (before, after)
    ]
    assert checksums[0] != checksums[1]


def test_notes_warn_of_a_settle_that_is_too_short_for_an_alb() -> None:
    assert "WARNING" not in render(values_of("alb")).notes
    assert "set drain.settle to 90" in render(with_values("alb", drain={"settle": 5})).notes
