"""``shoal check-config``: the settings in effect, as TOML and without secrets."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from server.apps import App
from server.cli import app
from server.cli.check import effective_lines
from server.config import Configuration, Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

WEBHOOK = {"url": "https://example.com/hook", "event_types": ["cache_miss"], "headers": {"X-Token": "hush"}}
APP = {"id": "1", "key": "k", "secret": "hush", "allowed_origins": ["https://*.example.com"], "webhooks": [WEBHOOK]}
APPS = json.dumps([APP])


def check(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(app, ["check-config", *arguments], env=environ)


def test_each_setting_is_there_with_its_source(tmp_path: Path) -> None:
    file = tmp_path / "shoal.toml"
    file.write_text("port = 7000\n")
    lines = check("--config", str(file), SHOAL_SETTLE="5").stdout.splitlines()
    assert f"port = 7000  # file {file}" in lines
    assert "settle = 5.0  # environment variable SHOAL_SETTLE" in lines
    assert "metrics_port = 9601  # default" in lines
    assert "# unix_socket is not set  # default" in lines
    assert all(any(key in line for line in lines) for key in [*Settings.model_fields, *App.model_fields])


def test_output_is_a_file_that_means_the_same(tmp_path: Path) -> None:
    environ = {"SHOAL_APPS": APPS, "SHOAL_UNIX_SOCKET": "/run/s.sock", "SHOAL_PORT": "7000", "SHOAL_GC_FREEZE": "no"}
    file = tmp_path / "effective.toml"
    file.write_text(check(**environ).stdout.replace("***", "hush"))
    assert load_settings(config=file, flags={}, environ={}) == load_settings(config=None, flags={}, environ=environ)


def test_secrets_and_passwords_are_not_printed() -> None:
    result = check(SHOAL_APPS=APPS, SHOAL_REDIS="redis://user:hush@h:1/0,redis://plain")
    effective = tomllib.loads(result.stdout)
    assert effective["apps"][0]["secret"] == "***"
    assert effective["apps"][0]["webhooks"][0]["headers"] == {"X-Token": "***"}
    assert effective["redis"] == ["redis://***@h:1/0", "redis://plain"]
    assert "hush" not in result.output


def test_password_of_a_store_is_not_printed_and_no_application_is() -> None:
    result = check(SHOAL_APP_STORE="postgresql://user:hush@h/d?sslmode=require")
    assert tomllib.loads(result.stdout)["app_store"] == "postgresql://***@h/d?sslmode=require"
    assert "apps" not in tomllib.loads(result.stdout)
    assert "hush" not in result.output
    assert "hush" not in check(SHOAL_APP_STORE="postgres//user:hush@h/d").output


@pytest.mark.parametrize(
    ("url", "printed"),
    [
        (
            "redis+sentinel://:hush@h:1/main?sentinel_password=hush",
            "redis+sentinel://***@h:1/main?sentinel_password=***",
        ),
        ("redis://:hu/hush@h:1/0?ca=/x", "redis://***@h:1/0?ca=/x"),
        (
            "postgresql://h/d?user=u&password=hush&sslmode=require",
            "postgresql://h/d?user=u&password=***&sslmode=require",
        ),
        ("mysql://h/d?ssl_ca=/c&passwd=hush", "mysql://h/d?ssl_ca=/c&passwd=***"),
        ("redis://:hush@[::1", "redis://***@[::1"),
    ],
)
def test_password_is_not_printed_wherever_a_url_has_it(url: str, printed: str) -> None:
    lines = "\n".join(effective_lines(Configuration(Settings(app_store=url), {})))
    assert tomllib.loads(lines)["app_store"] == printed
    assert "hush" not in lines


def test_mistake_ends_it_with_status_2() -> None:
    result = check(SHOAL_PORT="x")
    assert result.exit_code == 2
    assert result.stderr == 'shoal: port = "x" (environment variable SHOAL_PORT): must be an integer, 0 to 65535\n'


@pytest.mark.parametrize(
    ("url", "complaint"), [("foo://h", "write redis://"), ("redis://:hush@h:x", "Port"), ("redis+sentinel://h", "name")]
)
def test_url_that_means_no_redis_is_a_mistake(url: str, complaint: str) -> None:
    result = check(SHOAL_REDIS=url)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert "hush" not in result.output
    assert check(SHOAL_REDIS="redis://:hush@h:6379/1").exit_code == 0


@pytest.mark.parametrize(("url", "complaint"), [("redis://:hush@[::1", "IPv6"), ("mysql://u:hush@h:x/d", "app_store")])
def test_url_that_means_no_store_is_a_mistake(url: str, complaint: str) -> None:
    result = check(SHOAL_APP_STORE=url)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert "hush" not in result.output


def test_files_that_are_no_certificate_are_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "none.pem"
    file.write_text("no certificate")
    result = check(SHOAL_TLS_CERTIFICATE=str(file), SHOAL_TLS_KEY=str(file))
    assert result.exit_code == 2
    assert f"shoal: tls_certificate = {file} can't be used" in result.stderr
