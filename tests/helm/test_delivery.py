"""What ``helm test`` runs in the cluster, run here against a node."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.compose.programs import needed_program
from tests.harness.node import ROOT, start_node
from tests.helm.chart import render, values_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helm.chart import Document

APPS = [{"id": "1", "key": "k", "secret": "s"}]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH with the command `shoal`, as the image has it."""
    command = tmp_path / "shoal"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m server "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


def test_event_is_delivered_from_end_to_end(path: str) -> None:
    with start_node(apps=APPS) as node:
        done = _run(path, APPS, node.url)
        assert done.returncode == 0, done.stderr
        assert "delivered" in done.stdout
        assert node.metric("shoal_events_published_total") >= 1


def test_wrong_secret_fails_the_test(path: str) -> None:
    with start_node(apps=APPS) as node:
        done = _run(path, [{**APPS[0], "key": "another"}], node.url)
        assert done.returncode != 0
        assert "delivered" not in done.stdout


def test_pod_has_the_applications_and_the_address_of_the_service() -> None:
    container = _container()
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert environment == {"SHOAL_APPS": None, "TARGET": "http://shoal:6001"}
    assert container["image"] == render(values_of("minimal")).container["image"]


def test_pod_is_made_for_the_test_and_removed_when_it_passed() -> None:
    annotations = render(values_of("minimal")).one("Pod", "shoal-test")["metadata"]["annotations"]
    assert annotations == {
        "helm.sh/hook": "test",
        "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
    }


def _container() -> Document:
    (container,) = render(values_of("minimal")).one("Pod", "shoal-test")["spec"]["containers"]
    found: Document = container
    return found


def _run(path: str, apps: list[dict[str, str]], url: str) -> subprocess.CompletedProcess[str]:
    """Run the pod's command with the pod's environment, and with nothing that the test's own process has."""
    needed_program("timeout", "coreutils")
    container = _container()
    environment = {"PATH": path, "SHOAL_APPS": json.dumps(apps), "TARGET": url}
    command = [*container["command"], *container["args"]]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
