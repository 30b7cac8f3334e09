"""A node's pod: what it may do, how it is configured, and who asks how it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from server.config import Settings, load_settings
from tests.helm.chart import VALUE_FILES, refusal_of, render, values_of, with_values

if TYPE_CHECKING:
    from tests.helm.chart import Document, Rendered

NAMES = [path.name.removesuffix("-values.yaml") for path in VALUE_FILES]
APPS = '[{"id": "1", "key": "k", "secret": "s"}]'


# What it may do


@pytest.mark.parametrize("name", NAMES)
def test_no_pod_may_do_more_than_run(name: str) -> None:
    for pod in _pods(render(values_of(name))):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]


def test_node_runs_as_the_user_of_its_image() -> None:
    security = render(values_of("minimal")).pod["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"]) == (10001, 10001)


def test_service_account_has_no_token() -> None:
    rendered = render(values_of("minimal"))
    assert rendered.one("ServiceAccount")["automountServiceAccountToken"] is False
    assert rendered.pod["serviceAccountName"] == "shoal"
    assert render(values_of("gateway")).pod["serviceAccountName"] == "default"


def test_memory_is_reserved_whole_and_the_cpu_is_not_throttled() -> None:
    resources = render(values_of("minimal")).container["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    assert "cpu" not in resources["limits"]


def test_image_is_named_by_digest_before_tag_before_release() -> None:
    assert render(values_of("minimal")).container["image"].startswith("registry.example.com/shoal:0.")
    assert render(values_of("alb")).container["image"].endswith("/shoal:1.2.3")
    assert "/shoal@sha256:" in render(with_values("production", image={"tag": "1.2.3"})).container["image"]


# How it is configured


@pytest.mark.parametrize("name", NAMES)
def test_node_accepts_its_environment(name: str) -> None:
    settings = _settings(render(values_of(name)))
    assert (settings.host, settings.port, settings.metrics_port) == ("0.0.0.0", 6001, 9601)
    assert settings.log_format == "json"


def test_settings_reach_the_node_as_they_are() -> None:
    settings = _settings(render(values_of("production")))
    assert (settings.trusted_hops, settings.max_body_bytes, settings.log_level) == (1, 2097152, "warning")
    settings = _settings(render(values_of("gateway")))
    assert (settings.settle, settings.drain_max, settings.grace) == (2.5, 20.0, 120.0)


def test_services_of_kubernetes_do_not_reach_the_environment() -> None:
    assert render(values_of("minimal")).pod["enableServiceLinks"] is False


def test_applications_are_in_a_secret_and_nowhere_else() -> None:
    rendered = render(values_of("alb"))
    secret = rendered.one("Secret")["stringData"]
    assert json.loads(secret["apps"]) == values_of("alb")["apps"]["list"]
    assert rendered.secrets["SHOAL_APPS"] == ("shoal", "apps")
    others = [document for document in rendered.documents if document["kind"] != "Secret"]
    assert "my-secret" not in json.dumps(others)


def test_applications_may_be_in_the_shared_redis_or_wherever_a_secret_says() -> None:
    rendered = render(with_values("alb", apps={"list": [], "store": "redis"}))
    assert rendered.environment["SHOAL_APP_STORE"] == "redis"
    rendered = render(with_values("minimal", apps={"list": [], "storeSecret": "database"}))
    assert rendered.secrets == {"SHOAL_APP_STORE": ("database", "store")}
    assert rendered.all("Pod") == [], "no test of delivery, which needs an application"


def test_urls_of_redis_are_in_a_secret_since_they_have_passwords() -> None:
    rendered = render(values_of("gateway"))
    assert rendered.one("Secret", "realtime")["stringData"]["redis"] == "redis://redis-a:6379,redis://redis-b:6379"
    assert rendered.secrets["SHOAL_REDIS"] == ("realtime", "redis")


def test_existing_secrets_are_used_by_name_and_key() -> None:
    rendered = render(values_of("production"))
    assert rendered.all("Secret") == []
    assert rendered.secrets == {
        "SHOAL_APPS": ("shoal-apps", "apps"),
        "SHOAL_REDIS": ("shoal-redis", "urls"),
        "SHOAL_DRAIN_TOKEN": ("shoal-drain", "token"),
    }


def test_node_alone_has_no_redis() -> None:
    rendered = render(values_of("minimal"))
    assert "SHOAL_REDIS" not in rendered.secrets | rendered.environment


def test_bundled_valkey_is_used_never_evicts_and_is_loud() -> None:
    rendered = render(values_of("trial"))
    assert rendered.environment["SHOAL_REDIS"] == "redis://shoal-valkey:6379"
    (container,) = rendered.one("Deployment", "shoal-valkey")["spec"]["template"]["spec"]["containers"]
    assert container["args"][-2:] == ["--maxmemory-policy", "noeviction"]
    assert "FOR TRYING OUT ONLY" in rendered.notes
    assert "FOR TRYING OUT ONLY" not in render(values_of("production")).notes


# Who asks how it is


def test_probes_ask_on_the_port_that_clients_do_not_use() -> None:
    container = render(values_of("minimal")).container
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == {"http": 6001, "metrics": 9601}
    asked = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
    assert asked == {
        "startup": {"path": "/livez", "port": "metrics"},
        "readiness": {"path": "/readyz", "port": "metrics"},
        "liveness": {"path": "/livez", "port": "metrics"},
    }


def test_node_is_taken_for_dead_only_after_a_long_silence() -> None:
    container = render(with_values("minimal", probes={"startup": 90, "liveness": 45})).container
    patience = {
        kind: container[f"{kind}Probe"]["periodSeconds"] * container[f"{kind}Probe"]["failureThreshold"]
        for kind in ("startup", "liveness")
    }
    assert patience == {"startup": 90, "liveness": 50}
    assert container["livenessProbe"]["terminationGracePeriodSeconds"] == 10


def test_misspelt_values_are_refused() -> None:
    assert "drian" in refusal_of(with_values("minimal", drian={"settle": 1}))


def _pods(rendered: Rendered) -> list[Document]:
    deployments = [deployment["spec"]["template"]["spec"] for deployment in rendered.all("Deployment")]
    return deployments + [pod["spec"] for pod in rendered.all("Pod")]


def _settings(rendered: Rendered) -> Settings:
    """Read a node's environment as the node would, with something in the place of each secret."""
    stand_ins = {"SHOAL_APPS": APPS, "SHOAL_REDIS": "redis://redis:6379", "SHOAL_DRAIN_TOKEN": "t" * 16}
    environ = rendered.environment | {name: stand_ins[name] for name in rendered.secrets}
    return load_settings(config=None, flags={}, environ=environ)
