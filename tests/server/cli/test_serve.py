"""``shoal serve``: what it makes of its flags, with a stand-in for the node."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from server.cli import app
from server.config import ConfigurationError, Settings
from tests.harness.node import ROOT
from tests.server.restored_logging import restored_logging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typer.testing import Result


class StandIn:
    """Takes the node's place, and keeps what it was started with."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.settings: Settings | None = None
        self.reload: Callable[[], Settings] | None = None

    def __call__(self, settings: Settings, *, reload: Callable[[], Settings]) -> int:
        self.settings, self.reload = settings, reload
        return self.status


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    with restored_logging():
        yield


def serve(node: StandIn, *arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(app, ["serve", *arguments], obj=node, env=environ)


def served(*arguments: str, **environ: str) -> Settings:
    node = StandIn()
    result = serve(node, *arguments, **environ)
    assert result.exit_code == 0, result.output
    assert node.settings is not None
    return node.settings


def test_without_flags_the_defaults_are_served() -> None:
    assert served() == Settings()


def test_flags_are_settings(tmp_path: Path) -> None:
    pem = tmp_path / "tls.pem"
    pem.touch()
    flags = {
        "host": "0.0.0.0",
        "port": 1,
        "unix_socket": tmp_path / "shoal.sock",
        "metrics_host": "127.0.0.3",
        "metrics_port": 2,
        "tls_certificate": pem,
        "tls_key": pem,
        "trusted_hops": 3,
        "max_connections": 4,
        "settle": 5.0,
        "drain_rate": 6.0,
        "drain_max": 7.0,
        "log_level": "error",
        "log_format": "json",
    }
    arguments = [text for name, value in flags.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    settings = served(*arguments, "--insecure-demo", "--redis", "redis://a", "--redis", "redis://b")
    expected = flags | {"insecure_demo": True, "redis": ("redis://a", "redis://b")}
    assert {name: getattr(settings, name) for name in expected} == expected


def test_zero_is_a_value() -> None:
    assert served("--port", "0", "--metrics-port", "0").port == 0


def test_environment_is_read() -> None:
    assert served(SHOAL_PORT="7000").port == 7000


def test_status_is_that_of_the_node() -> None:
    assert serve(StandIn(status=1)).exit_code == 1


def test_logging_is_configured_before_the_node_starts() -> None:
    served("--log-level", "error")
    assert logging.getLogger().level == logging.ERROR


def test_mistake_ends_it_with_status_2_and_without_a_traceback() -> None:
    node = StandIn()
    result = serve(node, "--settle", "-1", SHOAL_PROT="1")
    assert result.exit_code == 2
    assert result.stderr == (
        'shoal: settle = "-1" (flag --settle): must be a number (seconds), at least 0\n'
        "shoal: prot (environment variable SHOAL_PROT): no such setting; did you mean SHOAL_PORT?\n"
    )
    assert result.stdout == ""
    assert node.settings is None


def test_flag_of_the_wrong_type_is_a_mistake() -> None:
    result = serve(StandIn(), "--port", "x")
    assert result.exit_code == 2
    assert result.stderr == 'shoal: port = "x" (flag --port): must be an integer, 0 to 65535\n'


def test_reload_reads_the_same_sources_again(tmp_path: Path) -> None:
    file, node = tmp_path / "shoal.toml", StandIn()
    file.write_text("max_connections = 5\n")
    assert serve(node, "--config", str(file), "--port", "7000").exit_code == 0
    assert node.reload is not None
    file.write_text("max_connections = 6\n")
    assert (node.reload().max_connections, node.reload().port) == (6, 7000)
    file.write_text("max_connections = 0\n")
    with pytest.raises(ConfigurationError, match="max_connections = 0"):
        node.reload()


def test_told_to_stop_before_the_node_is_there_to_hear_it_the_program_ends_well() -> None:
    # As process 1 of a container it would not even end without this.
    code = (
        "import os, signal; from server.cli.serve import _node; _node();"
        "os.kill(os.getpid(), signal.{}); print('goes on')"
    )
    told = [
        subprocess.run([sys.executable, "-c", code.format(name)], cwd=ROOT, capture_output=True, text=True, check=False)
        for name in ("SIGTERM", "SIGHUP")
    ]
    assert [(done.returncode, done.stdout) for done in told] == [(0, ""), (0, "goes on\n")]
