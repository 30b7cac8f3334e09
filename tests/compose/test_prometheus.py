"""Prometheus reads its file, and scrapes what docker-compose.yml starts."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import yaml

from server.config import Settings
from tests.compose.files import HAPROXY, NODES, PROMETHEUS, mounts, services
from tests.compose.programs import needed_program, output_of

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = yaml.safe_load(PROMETHEUS.read_text(encoding="utf-8"))
JOBS = {job["job_name"]: job["static_configs"][0]["targets"] for job in CONFIG["scrape_configs"]}


def test_prometheus_reads_its_file_and_the_rules_where_they_are_mounted(tmp_path: Path) -> None:
    promtool = needed_program("promtool", "prometheus")
    for inside, path in mounts(services()["prometheus"]).items():
        place = tmp_path / inside.removeprefix("/etc/prometheus/")
        place.parent.mkdir(exist_ok=True)
        shutil.copy(path, place)
    written = output_of(promtool, "check", "config", tmp_path / "prometheus.yml")
    assert "SUCCESS: 1 rule files found" in written


def test_nodes_are_scraped_as_the_job_that_alerts_look_for() -> None:
    assert JOBS["shoal"] == [f"{node}:{Settings().metrics_port}" for node in NODES]


def test_haproxy_is_scraped_where_it_listens() -> None:
    assert JOBS["haproxy"] == ["haproxy:8405"]
    assert "bind :8405" in HAPROXY.read_text(encoding="utf-8")
