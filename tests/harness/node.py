"""A node as a process of its own: started on free ports, watched through its log, its metrics and its memory.

Everything here blocks, for milliseconds but for the start and the stop, and so serves tests with and without a loop.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import httpx

from tests.harness.exposition import Sample, parse_metrics

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).parents[2]
START_TIMEOUT = 30.0
STOP_TIMEOUT = 30.0
PATIENCE = 20.0
"""Seconds that anything else may take: for slow machines, never reached otherwise."""
_POLL = 0.02
_READY = re.compile(r"ready on ([\w.]+):(\d+), metrics on ([\w.]+):(\d+)")
_PROBLEM = re.compile(r'"level": "(error|critical)"|Traceback')


@dataclass(frozen=True, slots=True)
class Credentials:
    """How one application is addressed; the default is the one that a node without any configuration serves."""

    app_id: str = "app-id"
    key: str = "app-key"
    secret: str = "app-secret"


class RunningNode:
    """A node that is ready. Leaving its ``with`` block ends it, and fails if it logged an error."""

    def __init__(self, process: subprocess.Popen[bytes], directory: TemporaryDirectory[str], app: Credentials) -> None:
        self._process = process
        self._directory = directory
        # What it had written when its directory was removed.
        self._last_words: str | None = None
        self.app = app
        self.host, self.port, self.metrics_port = self._wait_for_addresses()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def websocket_url(self) -> str:
        """Where clients of the application connect, without the query."""
        return f"ws://{self.host}:{self.port}/app/{self.app.key}"

    @property
    def metrics_url(self) -> str:
        return f"http://{self.host}:{self.metrics_port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """Return what it ended with; None while it runs."""
        return self._process.poll()

    # Watching

    def log(self) -> str:
        """Return all it wrote so far, standard output included."""
        if self._last_words is not None:
            return self._last_words
        return (Path(self._directory.name) / "log").read_text(encoding="utf-8", errors="replace")

    def records(self) -> list[dict[str, Any]]:
        """Return its log records; what isn't one, such as the banner, is left out."""
        return [json.loads(line) for line in self.log().splitlines() if line.startswith('{"time"')]

    def problems(self) -> list[str]:
        """Return the lines of its log that no client should be able to cause."""
        return [line for line in self.log().splitlines() if _PROBLEM.search(line)]

    def metrics(self) -> dict[str, float]:
        """Return each sample by its name with its labels, as in ``shoal_connections{app="app-id"}``."""
        return {sample.text: sample.value for sample in self._samples()}

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of this name that have these labels; 0 if there is none."""
        return sum(sample.value for sample in self._samples() if sample.matches(name, labels))

    def nodes(self) -> list[dict[str, Any]]:
        """Return the nodes of the cluster, as it lists them."""
        answer = httpx.get(f"{self.metrics_url}/nodes", timeout=10.0).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["nodes"]
        return found

    def rss(self) -> int:
        """Return the bytes of memory that it occupies."""
        status = Path(f"/proc/{self.pid}/status")
        if status.exists():
            return 1024 * int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1])  # type: ignore[index]
        return 1024 * int(subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True).stdout)

    def _samples(self) -> list[Sample]:
        return parse_metrics(httpx.get(f"{self.metrics_url}/metrics", timeout=10.0).raise_for_status().text)

    # Starting and ending

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait_until(self, condition: Callable[[], object], what: str, timeout: float = PATIENCE) -> None:
        """Ask `condition()` until it holds: for what a node tells only those who ask, such as its metrics."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {timeout} s\n{self.log()[-4000:]}"
            assert self.is_running, f"node ended with {self._process.returncode}\n{self.log()[-4000:]}"
            time.sleep(_POLL)

    def stop(self, *, check: bool = True) -> None:
        """End it with SIGTERM; once ended this does nothing.

        :param check: fail if it exits with an error or has logged one.
        """
        if self._last_words is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT)
        finally:
            self._process.kill()
            self._process.wait()
            self._last_words = self.log()
            self._directory.cleanup()
        if check:
            assert self._process.returncode == 0, f"exit status {self._process.returncode}\n{self.log()[-4000:]}"
            assert not self.problems(), "\n".join(self.problems())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *exc: object) -> None:
        # A test that failed already should say why itself.
        self.stop(check=kind is None)

    def _wait_for_addresses(self) -> tuple[str, int, int]:
        self.wait_until(lambda: _READY.search(self.log()), "says where it listens", START_TIMEOUT)
        match = _READY.search(self.log())
        assert match is not None
        host, port, metrics_host, metrics_port = match.groups()
        self.wait_until(lambda: _is_ready(f"http://{metrics_host}:{metrics_port}"), "is ready", START_TIMEOUT)
        return host, int(port), int(metrics_port)


def start_node(
    settings: Mapping[str, str] | None = None,
    *,
    apps: Sequence[Mapping[str, Any]] = (),
    arguments: Sequence[str] = (),
    source: Path = ROOT,
) -> RunningNode:
    """Start a node on free ports of the loopback interface and wait until it is ready.

    :param settings: its ``SHOAL_*`` variables; no other of that prefix reaches it.
    :param apps: its applications, the first of which the result's ``app`` is; none for the demo application.
    :param arguments: more flags for ``shoal serve``.
    :param source: the folder with the packages that it runs.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHOAL_")}
    environment |= {"SHOAL_LOG_FORMAT": "json", "SHOAL_PORT": "0", "SHOAL_METRICS_PORT": "0"} | dict(settings or {})
    if apps:
        environment["SHOAL_APPS"] = json.dumps(list(apps))
    directory = TemporaryDirectory(prefix="shoal-node-")
    command = [sys.executable, "-m", "server", "serve", *arguments]
    with (Path(directory.name) / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=source, env=environment, stdout=log, stderr=log)
    app = Credentials(apps[0]["id"], apps[0]["key"], apps[0]["secret"]) if apps else Credentials()
    try:
        return RunningNode(process, directory, app)
    except BaseException:
        process.kill()
        process.wait()
        directory.cleanup()
        raise


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=10.0).status_code == 200
    except httpx.TransportError:
        return False
