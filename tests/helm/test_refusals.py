"""Values that contradict one another are refused with a sentence that says what to do."""

from __future__ import annotations

import pytest

from tests.helm.chart import refusal_of, render, with_values

APPS = [{"id": "1", "key": "k", "secret": "s"}]


@pytest.mark.parametrize(
    ("base", "changes", "sentence"),
    [
        ("minimal", {"image": {"repository": ""}}, "image.repository is empty: build the image"),
        ("minimal", {"apps": {"list": []}}, "there is no application: give apps.list, or apps.existingSecret"),
        ("production", {"apps": {"list": APPS}}, "apps.list and apps.existingSecret are both given"),
        ("minimal", {"apps": {"storeSecret": "s"}}, "apps.list and apps.storeSecret are both given"),
        ("minimal", {"apps": {"list": [], "store": "redis"}}, "apps.store is redis, but there is none"),
        ("minimal", {"settings": {"app_store": "redis"}}, "it comes from apps.store"),
        ("minimal", {"replicaCount": 3}, "3 nodes need a Redis that they share"),
        ("trial", {"valkey": {"enabled": False}}, "10 nodes need a Redis that they share"),
        ("trial", {"redis": {"urls": ["redis://r"]}}, "redis.urls and valkey.enabled are all given"),
        ("production", {"redis": {"urls": ["redis://r"]}}, "redis.urls and redis.existingSecret are all given"),
        ("production", {"autoscaling": {"minReplicas": 21}}, "minReplicas 21 is above autoscaling.maxReplicas 20"),
        ("trial", {"autoscaling": {"cpu": ""}}, "neither autoscaling.cpu nor autoscaling.connections"),
        ("minimal", {"settings": {"settle": 3}}, "settings.settle is made by the chart: it comes from drain.settle"),
        ("minimal", {"settings": {"grace": 90}}, "it comes from drain.gracePeriod"),
        ("minimal", {"settings": {"close_timeout": 6}}, "settings.close_timeout 6 is above settings.abort_timeout 5"),
        ("minimal", {"settings": {"redis": "redis://r"}}, "it comes from redis.urls"),
        ("trial", {"ingress": {"hosts": []}}, "ingress is enabled, but ingress.hosts is empty"),
        ("gateway", {"gateway": {"parentRefs": []}}, "gateway is enabled, but gateway.parentRefs is empty"),
        ("alb", {"monitoring": {"podMonitor": True}}, "everything would be counted twice"),
        ("minimal", {"pod": {"labels": {"app.kubernetes.io/name": "x"}}}, "pod.labels has app.kubernetes.io/name"),
    ],
)
def test_contradiction_is_explained(base: str, changes: dict[str, object], sentence: str) -> None:
    assert sentence in refusal_of(with_values(base, **changes))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"replicaCount": 0}, "replicaCount"),
        ({"drain": {"settle": -1}}, "settle"),
        ({"drain": {"rate": 0}}, "rate"),
        ({"ingress": {"controller": "apache"}}, "controller"),
        ({"apps": {"list": [{"id": 1, "key": "k", "secret": "s"}]}}, "id"),
        ({"apps": {"list": [{"id": "1", "key": "k"}]}}, "secret"),
        ({"redis": {"urls": ["localhost:6379"]}}, "urls"),
        ({"settings": {"Trusted-Hops": 1}}, "Trusted-Hops"),
        ({"settings": {"trusted_hops": [1]}}, "trusted_hops"),
        ({"podDisruptionBudget": {"maxUnavailable": 0}}, "maxUnavailable"),
        ({"service": {"port": 70000}}, "port"),
        ({"autoscaling": {"scaleDownWindow": 7200}}, "scaleDownWindow"),
        # Kubernetes gives a deploy up for stuck after 600 seconds.
        ({"strategy": {"minReadySeconds": 600}}, "minReadySeconds"),
        ({"settings": {"flush_timeout": 0}}, "flush_timeout"),
        ({"settings": {"abort_timeout": "ten"}}, "abort_timeout"),
        ({"fullnameOverride": "Shoal.io"}, "fullnameOverride"),
        ({"image": {"repository": "registry.example.com:5000/shoal:1.2"}}, "repository"),
        ({"image": {"pullSecrets": ["registry"]}}, "pullSecrets"),
        ({"ingress": {"hosts": ["https://ws.example.com"]}}, "hosts"),
        ({"ingress": {"tls": [{"secret": "x"}]}}, "secret"),
        ({"gateway": {"hostnames": ["ws.example.com/"]}}, "hostnames"),
        ({"gateway": {"parentRefs": [{"namespace": "gateways"}]}}, "name"),
        ({"networkPolicy": {"clients": [{"namespaceselector": {}}]}}, "namespaceselector"),
        ({"networkPolicy": {"extraEgress": [{"port": 5432}]}}, "port"),
        ({"pod": {"tolerations": [{"kei": "x"}]}}, "kei"),
        ({"resources": {"limit": {"memory": "1Gi"}}}, "limit"),
    ],
)
def test_value_of_the_wrong_kind_is_refused_by_name(changes: dict[str, object], where: str) -> None:
    assert where in refusal_of(with_values("minimal", **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"image": {"repository": "registry.example.com:5000/team/shoal"}},
        {"image": {"repository": "shoal"}},
        {"ingress": {"hosts": ["*.example.com", "localhost"]}},
        {"autoscaling": {"cpu": 1}},
        {"autoscaling": {"cpu": "0.6"}},
        {"settings": {"abort_timeout": "7.5"}},
        {"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}}},
    ],
)
def test_less_usual_values_are_taken(changes: dict[str, object]) -> None:
    assert render(with_values("minimal", **changes))


def test_the_last_close_of_a_long_drain_may_come_after_what_an_alb_allows() -> None:
    annotations = render(with_values("alb", drain={"max": 4000})).one("Ingress")["metadata"]["annotations"]
    attributes = annotations["alb.ingress.kubernetes.io/target-group-attributes"]
    assert attributes == "deregistration_delay.timeout_seconds=3600,stickiness.enabled=false"
