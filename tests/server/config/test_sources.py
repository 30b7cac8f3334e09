"""Sources of settings: file, environment, flags, and which goes before which."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from server.config import ConfigurationError, Settings, load_settings, read_configuration

if TYPE_CHECKING:
    from pathlib import Path

APPS = [{"id": "1", "key": "k", "secret": "s", "client_events": True}]


def load(config: Path | None = None, flags: dict[str, object] | None = None, **environ: str) -> Settings:
    return load_settings(config=config, flags=flags or {}, environ=environ)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shoal.toml"
    path.write_text('port = 7001\nmetrics_port = 7002\n[[apps]]\nid = "f"\nkey = "k"\nsecret = "s"\n', encoding="utf-8")
    return path


def test_without_sources_all_is_default() -> None:
    assert load() == Settings()


def test_file_is_read(file: Path) -> None:
    settings = load(file)
    assert (settings.port, settings.apps[0].id) == (7001, "f")


def test_environment_names_the_file(file: Path) -> None:
    assert load(SHOAL_CONFIG=str(file)).port == 7001


def test_file_of_the_flag_goes_before_that_of_the_environment(file: Path) -> None:
    assert load(file, SHOAL_CONFIG="/nowhere.toml").port == 7001


def test_environment_goes_before_the_file_and_flags_before_both(file: Path) -> None:
    settings = load(file, {"metrics_port": 9002}, SHOAL_PORT="8001", SHOAL_METRICS_PORT="8002")
    assert (settings.port, settings.metrics_port) == (8001, 9002)


def test_flag_that_was_not_given_changes_nothing(file: Path) -> None:
    assert load(file, {"port": None}).port == 7001


def test_empty_variable_counts_as_not_set(file: Path) -> None:
    assert load(file, SHOAL_PORT="", SHOAL_CONFIG="").port == 7001


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("SHOAL_PORT", "0", 0),
        ("SHOAL_ACTIVITY_TIMEOUT", "2.5", 2.5),
        ("SHOAL_INSECURE_DEMO", "true", True),
        ("SHOAL_GC_FREEZE", "0", False),
        ("SHOAL_LOG_LEVEL", "Warning", "warning"),
        ("SHOAL_MAX_CONNECTIONS_PER_IP", "3", 3),
        ("SHOAL_REDIS", "redis://a, redis://b,", ("redis://a", "redis://b")),
        ("SHOAL_REDIS", "redis+cluster://a:1,b:2", ("redis+cluster://a:1,b:2",)),
    ],
)
def test_variables_are_texts_of_any_type(name: str, text: str, value: object) -> None:
    settings = load(None, None, **{name: text})
    assert getattr(settings, name.removeprefix("SHOAL_").lower()) == value


def test_apps_are_json_in_the_environment_and_replace_those_of_the_file(file: Path) -> None:
    settings = load(file, SHOAL_APPS=json.dumps(APPS))
    assert [(app.id, app.client_events) for app in settings.apps] == [("1", True)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SHOAL_SERVICE_HOST", "10.0.0.1"),
        ("SHOAL_SERVICE_PORT", "6001"),
        ("SHOAL_SERVICE_PORT_HTTP", "6001"),
        ("SHOAL_PORT", "tcp://10.0.0.1:6001"),
        ("SHOAL_PORT_6001_TCP", "tcp://10.0.0.1:6001"),
        ("SHOAL_PORT_6001_TCP_ADDR", "10.0.0.1"),
        ("SHOAL_METRICS_PORT", "tcp://10.0.0.1:9601"),
        ("SHOAL_METRICS_SERVICE_HOST", "10.0.0.1"),
        ("SHOAL_REDIS_MASTER_PORT_6379_TCP_PROTO", "tcp"),
    ],
)
def test_variables_that_kubernetes_adds_are_ignored(name: str, text: str) -> None:
    assert load(None, None, **{name: text}) == Settings()


def test_variables_of_others_are_ignored() -> None:
    assert load(PORT="1", SHOALS="2", shoal_port="3") == Settings()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"port = 1\nport 2\n", r"is not TOML: .*line 2"),
        (b"\xff", r"is not UTF-8 \(byte 0\)"),
    ],
)
def test_file_that_can_not_be_understood_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"file {re.escape(str(path))}: {problem}"):
        load(path)


def test_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"file .*/none.toml: can't be read: No such file or directory"):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize("text", ['[{"id": hush', "[" * 100_000])
def test_apps_that_are_no_json_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(ConfigurationError, match="environment variable SHOAL_APPS: is n") as caught:
        load(SHOAL_APPS=text)
    assert "hush" not in str(caught.value)


def test_configuration_knows_where_each_value_came_from(file: Path) -> None:
    configuration = read_configuration(config=file, flags={"settle": 1.0}, environ={"SHOAL_PORT": "1"})
    places = {key: origin.of(key) for key, origin in configuration.origins.items()}
    assert places == {
        "port": "environment variable SHOAL_PORT",
        "metrics_port": f"file {file}",
        "apps": f"file {file}",
        "settle": "flag --settle",
    }
