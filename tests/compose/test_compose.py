"""docker-compose.yml: three equal nodes that get the time to leave, and whatever is around them finds its files."""

from __future__ import annotations

import re
import sys

import pytest
import yaml

from server.config import load_settings
from server.config.settings import FLUSHING
from tests.compose.files import COMPOSE, HAPROXY, NODES, PROMETHEUS, PROVISIONING, mounts, services
from tests.compose.programs import needed_module, output_of

SCHEMA = "vendor.compose-spec"


def test_file_fits_the_schema_of_compose() -> None:
    needed_module("check_jsonschema", "check-jsonschema")
    assert "ok" in output_of(sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMA, COMPOSE)


def test_there_are_three_equal_nodes() -> None:
    nodes = [services()[name] for name in NODES]
    assert nodes[0] == nodes[1] == nodes[2]


@pytest.mark.parametrize("apps", ["", '[{"id":"1","key":"k","secret":"s"}]'])
def test_nodes_accept_their_environment(apps: str) -> None:
    environment = services()["node-1"]["environment"] | {"SHOAL_APPS": apps}
    settings = load_settings(config=None, flags={}, environ={"SHOAL_HOST": "0.0.0.0"} | environment)
    assert settings.demo == (not apps)
    assert settings.redis == ("redis://valkey:6379",)
    assert settings.trusted_hops == 1


def test_docker_waits_as_long_as_a_node_may_take_to_leave() -> None:
    node = services()["node-1"]
    settings = load_settings(config=None, flags={}, environ={"SHOAL_HOST": "::1"} | node["environment"])
    assert node["stop_grace_period"] == f"{settings.grace:g}s"
    assert settings.grace == settings.settle + settings.drain_max + FLUSHING


def test_node_is_well_when_it_is_ready() -> None:
    check = services()["node-1"]["healthcheck"]["test"]
    assert check[:3] == ["CMD", "python", "-c"]
    assert "http://127.0.0.1:9601/readyz" in check[3]
    compile(check[3], "healthcheck", "exec")


def test_node_may_do_no_more_than_run() -> None:
    node = services()["node-1"]
    assert node["read_only"] is True
    assert node["cap_drop"] == ["ALL"]
    assert node["security_opt"] == ["no-new-privileges:true"]


def test_ports_are_open_to_this_machine_only_unless_asked_for() -> None:
    def published(bind: str | None) -> list[str]:
        chosen = services({"SHOAL_BIND": bind} if bind else {})
        return [port for service in chosen.values() for port in service.get("ports", [])]

    assert all(port.startswith("127.0.0.1:") for port in published(None))
    assert [port for port in published("0.0.0.0") if port.startswith("0.0.0.0:")] == ["0.0.0.0:6001:6001"]


def test_every_mounted_file_is_there() -> None:
    mounted = {path for service in services().values() for path in mounts(service).values()}
    assert {HAPROXY, PROMETHEUS, PROVISIONING} < mounted
    assert all(path.exists() for path in mounted)


def test_memory_of_the_cluster_is_never_evicted() -> None:
    assert services()["valkey"]["command"][-2:] == ["--maxmemory-policy", "noeviction"]


def test_commands_in_the_comment_name_the_nodes_that_exist() -> None:
    loop = re.search(r"for n in ([\d ]+); do .* node-\$n; done", COMPOSE.read_text(encoding="utf-8"))
    assert loop is not None
    assert tuple(f"node-{number}" for number in loop[1].split()) == NODES


# Grafana


def test_grafana_asks_the_prometheus_beside_it() -> None:
    provisioned = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yaml").read_text(encoding="utf-8"))
    (source,) = provisioned["datasources"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in services()


def test_grafana_finds_the_dashboard_where_it_is_mounted() -> None:
    provisioned = yaml.safe_load((PROVISIONING / "dashboards" / "shoal.yaml").read_text(encoding="utf-8"))
    (provider,) = provisioned["providers"]
    grafana = services()["grafana"]
    (dashboard,) = [inside for inside, path in mounts(grafana).items() if path.name == "dashboard.json"]
    assert dashboard.startswith(provider["options"]["path"] + "/")
    assert grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == dashboard
