"""``make cluster`` as a stranger meets it: one command, nodes within seconds, all gone after Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.adapter.redis.servers import free_port
from tests.harness.node import ROOT

_TIMEOUT = 30.0


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def _names(metrics_port: int) -> list[str]:
    try:
        answer = httpx.get(f"http://127.0.0.1:{metrics_port}/nodes")
    except httpx.TransportError:
        return []
    return [node["name"] for node in answer.json()["nodes"]] if answer.status_code == 200 else []


def _is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks into /proc")
def test_one_command_starts_a_cluster_says_how_to_use_it_and_ends_it(log: Path) -> None:
    port, metrics_port = free_port(), free_port()
    arguments = ["--nodes", "2", "--port", str(port), "--metrics-port", str(metrics_port)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHOAL_")}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.cluster", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    deadline = time.monotonic() + _TIMEOUT
    try:
        while _names(metrics_port) != ["node-1", "node-2"]:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        said = log.read_text()
        assert "DEMO" in said
        assert f"nodes --url http://127.0.0.1:{metrics_port}" in said
        pids = [int(pid) for pid in re.findall(r"process (\d+)", said)]
        assert len(pids) == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(_TIMEOUT) == 0
        assert not any(map(_is_running, pids))
        assert "redis  | ended with 0" in log.read_text()
    finally:
        process.kill()
        process.wait()
