"""A node as a process that isn't ready, and may never be."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

import httpx

from tests.adapter.redis.servers import free_port
from tests.harness.node import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT = 30.0


class UnreadyNode:
    """Its metrics port answers when the ``with`` block begins; leaving that ends it."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        port = free_port()
        self.metrics_url = f"http://127.0.0.1:{port}"
        self._directory = TemporaryDirectory(prefix="shoal-unready-")
        self._log = Path(self._directory.name) / "log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SHOAL_")}
        environment |= {"SHOAL_PORT": "0", "SHOAL_METRICS_PORT": str(port), "SHOAL_LOG_FORMAT": "json"} | dict(settings)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server", "serve"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    def said(self) -> str:
        """Return its log so far."""
        return self._log.read_text(encoding="utf-8")

    def wait_until_said(self, text: str) -> None:
        """Wait until its log has this."""
        self._wait(lambda: text in self.said(), text)

    def wait_until_ready(self) -> None:
        self._wait(lambda: httpx.get(f"{self.metrics_url}/readyz").status_code == 200, "it is ready")

    def stop(self) -> int:
        """End it as an orchestrator does; return its exit status."""
        self._process.terminate()
        return self._process.wait(_TIMEOUT)

    def _wait(self, condition: object, what: str) -> None:
        deadline = time.monotonic() + _TIMEOUT
        assert callable(condition)
        while not condition():
            assert self._process.poll() is None, f"ended with {self._process.returncode}\n{self.said()}"
            assert time.monotonic() < deadline, f"{what}: not within {_TIMEOUT} s\n{self.said()}"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.metrics_url}/livez").status_code == 200
        except httpx.TransportError:
            return False

    def __enter__(self) -> Self:
        self._wait(self._answers, "its metrics port answers")
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.wait()
        self._directory.cleanup()
