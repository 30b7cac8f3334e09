"""Who may reach a node, and how clients come to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.helm.chart import refusal_of, render, values_of, with_values

if TYPE_CHECKING:
    from tests.helm.chart import Document, Rendered

DNS = {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}


def _ports(rules: list[Document]) -> list[list[int]]:
    return [[port["port"] for port in rule["ports"]] for rule in rules]


# The policy


def test_clients_port_is_open_and_the_metrics_port_is_for_monitoring() -> None:
    clients, monitoring = _policy("minimal")["ingress"]
    assert (clients["ports"], "from" in clients) == ([{"protocol": "TCP", "port": 6001}], False)
    assert monitoring["ports"] == [{"protocol": "TCP", "port": 9601}]
    assert monitoring["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]


def test_named_clients_and_the_test_of_the_release_may_come() -> None:
    clients, _ = _policy("production")["ingress"]
    namespace, test = clients["from"]
    assert namespace["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] == "ingress-nginx"
    labels = render(values_of("production")).one("Pod", "shoal-test")["metadata"]["labels"]
    assert test["podSelector"]["matchLabels"].items() <= labels.items()


def test_nodes_reach_dns_and_redis_and_what_webhooks_go_to_and_what_is_added() -> None:
    dns, redis, webhooks, more = _policy("production")["egress"]
    assert dns == DNS
    assert redis["to"] == [{"ipBlock": {"cidr": "10.1.0.0/24"}}]
    assert _ports([redis, webhooks, more]) == [[6379, 26379], [443], [8443]]
    assert "to" not in webhooks


def test_nodes_reach_the_database_that_has_the_applications() -> None:
    _, outside = _policy("minimal", networkPolicy={"databasePorts": [5432]})["egress"]
    assert _ports([outside]) == [[443, 5432]]


def test_notes_warn_of_a_database_that_nodes_could_not_reach() -> None:
    apps = {"list": [], "storeSecret": "shoal-store"}
    assert "databasePorts has no port" in render(with_values("minimal", apps=apps)).notes
    ports = {"databasePorts": [5432]}
    assert "databasePorts" not in render(with_values("minimal", apps=apps, networkPolicy=ports)).notes


def test_node_alone_that_sends_no_webhooks_reaches_dns_only() -> None:
    assert _policy("minimal", networkPolicy={"webhookPorts": []})["egress"] == [DNS]


@pytest.mark.parametrize(
    "url",
    [
        "redis://:p%40ss:1@r:6380",
        "rediss://user:secret@cache.example.com:6380/0",
        "redis+sentinel://a:26379,b:6380/name",
        "redis+sentinel://b:6380,a/name",
    ],
)
def test_port_of_redis_that_the_policy_would_not_let_nodes_reach_is_refused(url: str) -> None:
    values = with_values("gateway", redis={"urls": [url]}, networkPolicy={"enabled": True, "redisPorts": [26379]})
    assert "redis.urls has port 6380, but networkPolicy.redisPorts doesn't" in refusal_of(values)
    values["networkPolicy"]["redisPorts"].append(6380)
    assert render(values)
    assert render(with_values("gateway", redis={"urls": [url]}))


@pytest.mark.parametrize(
    ("base", "changes", "port"),
    [
        ("trial", {}, "valkey.enabled has port 6379"),
        ("alb", {"redis": {"urls": ["redis://:p:1@[fd00::12]"]}}, "redis.urls has port 6379"),
        ("alb", {"redis": {"urls": ["redis+sentinel://a,b/name"]}}, "redis.urls has port 26379"),
    ],
)
def test_port_that_a_url_leaves_out_is_known(base: str, changes: dict[str, Any], port: str) -> None:
    assert port in refusal_of(with_values(base, networkPolicy={"redisPorts": [6380]}, **changes))


@pytest.mark.parametrize("url", ["redis://r/6380", "redis://[fd00::12]:6379", "unix:///run/redis.sock"])
def test_what_only_looks_like_a_port_is_none(url: str) -> None:
    assert _policy("alb", redis={"urls": [url]})


def test_nobody_scrapes_when_nobody_is_named() -> None:
    assert _ports(_policy("minimal", networkPolicy={"monitoring": []})["ingress"]) == [[6001]]


def test_policy_governs_both_directions_of_nodes() -> None:
    policy = _policy("minimal")
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "node"


def test_bundled_valkey_is_reached_by_nodes_only_and_reaches_nobody() -> None:
    policy = render(values_of("trial")).one("NetworkPolicy", "shoal-valkey")["spec"]
    (rule,) = policy["ingress"]
    (peer,) = rule["from"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "node"
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy


# The entrances


def test_nginx_is_told_of_silence_and_sizes_and_the_operator_wins() -> None:
    ingress = render(values_of("production")).one("Ingress")
    annotations = ingress["metadata"]["annotations"]
    prefix = "nginx.ingress.kubernetes.io/"
    assert annotations[f"{prefix}proxy-read-timeout"] == "600"
    assert annotations[f"{prefix}proxy-send-timeout"] == "120"
    assert annotations[f"{prefix}proxy-body-size"] == str(2097152 + 1024)
    assert annotations["cert-manager.io/cluster-issuer"] == "letsencrypt"
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"] == [{"secretName": "ws-example-com", "hosts": ["ws.example.com"]}]


def test_proxies_bear_a_longer_silence_than_nodes() -> None:
    settings = {"activity_timeout": 120, "pong_timeout": 30}
    rendered = render(with_values("production", settings=settings, ingress={"annotations": None}))
    assert _annotations(rendered)["nginx.ingress.kubernetes.io/proxy-read-timeout"] == "210"


def test_alb_keeps_connections_until_the_node_has_closed_them() -> None:
    rendered = render(values_of("alb"))
    annotations = _annotations(rendered)
    prefix = "alb.ingress.kubernetes.io/"
    grace = rendered.pod["terminationGracePeriodSeconds"]
    assert annotations[f"{prefix}target-group-attributes"] == (
        f"deregistration_delay.timeout_seconds={grace},stickiness.enabled=false"
    )
    assert annotations[f"{prefix}load-balancer-attributes"] == "idle_timeout.timeout_seconds=120"
    assert annotations[f"{prefix}target-type"] == "ip"
    assert annotations[f"{prefix}healthcheck-path"] == "/readyz"
    assert annotations[f"{prefix}scheme"] == "internet-facing"


@pytest.mark.parametrize(
    ("tls", "annotations"),
    [
        ([], {"router.entrypoints": "web"}),
        ([{"secretName": "t"}], {"router.entrypoints": "websecure", "router.tls": "true"}),
    ],
)
def test_traefik_is_told_of_its_entry_point(tls: list[Document], annotations: dict[str, str]) -> None:
    rendered = render(with_values("trial", ingress={"tls": tls}))
    prefix = "traefik.ingress.kubernetes.io/"
    assert _annotations(rendered) == {prefix + name: value for name, value in annotations.items()}


def test_other_controllers_get_the_annotations_they_are_given() -> None:
    assert "annotations" not in render(with_values("trial", ingress={"controller": "other"})).one("Ingress")["metadata"]


def test_ingress_leads_to_the_service_from_every_host() -> None:
    ingress = render(with_values("trial", ingress={"hosts": ["a.example.com", "b.example.com"]})).one("Ingress")
    rules = ingress["spec"]["rules"]
    assert [rule["host"] for rule in rules] == ["a.example.com", "b.example.com"]
    backend = {"service": {"name": "shoal", "port": {"name": "http"}}}
    assert all(rule["http"]["paths"] == [{"path": "/", "pathType": "Prefix", "backend": backend}] for rule in rules)


# Field by field, as there is no schema to be installed; the Gateway API's own, of release 1.4, has taken it.
def test_route_of_a_gateway_has_no_time_limit() -> None:
    rendered = render(values_of("gateway"))
    route = rendered.one("HTTPRoute", "realtime")
    assert route["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert route["spec"] == {
        "parentRefs": [{"name": "public", "namespace": "gateways"}],
        "hostnames": ["ws.example.com"],
        "rules": [
            {
                "backendRefs": [{"name": "realtime", "port": 6001}],
                "timeouts": {"request": "0s", "backendRequest": "0s"},
            }
        ],
    }
    (port,) = rendered.one("Service", "realtime")["spec"]["ports"]
    assert port["appProtocol"] == "kubernetes.io/ws"


def test_metrics_port_is_not_in_the_service_of_clients() -> None:
    ports = render(values_of("alb")).one("Service")["spec"]["ports"]
    assert [(port["port"], port["targetPort"]) for port in ports] == [(6001, "http")]


def _policy(name: str, **changes: Any) -> Document:
    spec: Document = render(with_values(name, **changes)).one("NetworkPolicy")["spec"]
    return spec


def _annotations(rendered: Rendered) -> dict[str, str]:
    annotations: dict[str, str] = rendered.one("Ingress")["metadata"]["annotations"]
    return annotations
