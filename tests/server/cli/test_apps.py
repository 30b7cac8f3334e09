"""``shoal apps``: what it changes in a store, and what it prints."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from server.apps.opening import open_store
from server.apps.options import StoreOptions
from server.cli import app
from server.cli.target import Choice, find_target
from server.config import ConfigurationError
from tests.adapter.redis.servers import running, valkey_binary
from tests.harness.node import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

    from server.apps import App


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with running(valkey_binary(), tmp_path) as redis:
        yield redis.url


def run(url: str, *arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, ["apps", *arguments], env={"SHOAL_APP_STORE": url}, input=text)


def done(url: str, *arguments: str, text: str | None = None) -> str:
    result = run(url, *arguments, text=text)
    assert result.exit_code == 0, result.output
    return result.stdout


def stored(url: str) -> list[App]:
    async def read() -> list[App]:
        store = open_store(StoreOptions(url))
        apps = list((await store.list()).apps)
        await store.close()
        return apps

    # Commands have an event loop of their own, so these tests have none.
    return asyncio.run(read())


def test_added_application_has_the_printed_credentials_and_what_was_set(url: str) -> None:
    added = json.loads(
        done(url, "add", "7", "--json", "--set", "client_events=true", "--set", 'allowed_origins=["https://a.test"]')
    )
    webhook = {"url": "https://a.test", "headers": {"Authorization": "hush"}}
    done(url, "add", "8", "--set", f"webhooks={json.dumps([webhook])}")
    app, other = stored(url)
    assert other.webhooks[0].headers == {"Authorization": "hush"}
    assert "hush" not in done(url, "list", "--json")
    assert (app.id, app.key, app.secret.get_secret_value()) == ("7", added["key"], added["secret"])
    assert len(added["secret"]) == 32
    assert app.client_events
    assert app.allowed_origins == ("https://a.test",)


def test_credentials_of_before_can_be_kept(url: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    done(url, "add", "1", "--key", "k1", "--secret-file", str(tmp_path / "secret"))
    done(url, "add", "2", "--key", "k2", "--secret-file", "-", text="from standard input\n")
    assert [(app.key, app.secret_bytes) for app in stored(url)] == [
        ("k1", b"from a file"),
        ("k2", b"from standard input"),
    ]


def test_no_id_and_no_key_is_given_twice(url: str) -> None:
    done(url, "add", "1", "--key", "k")
    for arguments, what in ((("1", "--key", "other"), "id"), (("2", "--key", "k"), "key")):
        refused = run(url, "add", *arguments)
        assert refused.exit_code == 1
        assert f"an application with the {what}" in refused.stderr


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [("client_event=true", "client_event"), ("max_connections=-1", "max_connections"), ("secret=x", "--set secret")],
)
def test_what_cannot_be_set_is_refused_before_anything_is_stored(url: str, setting: str, complaint: str) -> None:
    refused = run(url, "add", "1", "--set", setting)
    assert refused.exit_code == 2
    assert complaint in refused.stderr
    assert "never were applications" in run(url, "list").stderr


def test_list_shows_state_but_no_secret(url: str) -> None:
    secret = json.loads(done(url, "add", "1", "--key", "k1", "--json"))["secret"]
    done(url, "add", "22", "--key", "k2")
    done(url, "disable", "1")
    done(url, "rotate-secret", "1")
    assert done(url, "list").splitlines() == ["1   k1  (disabled, two secrets)", "22  k2"]
    first, second = json.loads(done(url, "list", "--json"))
    assert (first["enabled"], first["is_rotating"], second["enabled"]) == (False, True, True)
    assert "secret" not in first
    assert secret not in done(url, "list", "--json")


def test_rotation_keeps_the_old_secret_until_it_is_finished(url: str) -> None:
    old = json.loads(done(url, "add", "1", "--json"))["secret"].encode()
    new = json.loads(done(url, "rotate-secret", "1", "--json"))["secret"].encode()
    assert [app.secrets for app in stored(url)] == [(new, old)]
    assert "two secrets already" in run(url, "rotate-secret", "1").stderr
    done(url, "rotate-secret", "1", "--finish")
    assert [app.secrets for app in stored(url)] == [(new,)]
    assert "no rotation is under way" in run(url, "rotate-secret", "1", "--finish").stderr


def test_application_is_disabled_enabled_and_removed(url: str) -> None:
    done(url, "add", "1")
    done(url, "disable", "1")
    assert [app.enabled for app in stored(url)] == [False]
    done(url, "enable", "1")
    assert [app.enabled for app in stored(url)] == [True]
    done(url, "remove", "1")
    assert stored(url) == []


@pytest.mark.parametrize("command", ["disable", "enable", "remove", "rotate-secret"])
def test_application_that_is_not_there_is_said(url: str, command: str) -> None:
    done(url, "add", "1")
    refused = run(url, command, "9")
    assert refused.exit_code == 1
    assert "there is no application '9'" in refused.stderr


def test_other_commands_find_an_application_in_the_store(url: str) -> None:
    done(url, "add", "1", "--key", "k1", "--secret-file", "-", text="s1")
    environ = {"SHOAL_APP_STORE": url}
    for choice in (Choice(app_id="1"), Choice(key="k1")):
        target = find_target(choice, config=None, environ=environ)
        assert (target.app_id, target.key, target.secret) == ("1", "k1", b"s1")
    for choice, complaint in ((Choice(), "--app-id or --key"), (Choice(app_id="9"), "no application with id '9'")):
        with pytest.raises(ConfigurationError, match=complaint):
            find_target(choice, config=None, environ=environ)


def test_database_without_its_drivers_names_the_extra() -> None:
    program = "import sys; sys.modules['sqlalchemy'] = None; from server.cli import main; main()"
    command = [sys.executable, "-c", program, "apps", "list"]
    done = subprocess.run(command, env={"SHOAL_APP_STORE": "sqlite:///x"}, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install '.[sql]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), (b"\xff\xfe", "not UTF-8")])
def test_secret_that_cannot_be_read_is_said_and_nothing_added(
    url: str, tmp_path: Path, content: bytes | None, why: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    refused = run(url, "add", "1", "--secret-file", str(file))
    assert (refused.exit_code, why in refused.stderr) == (2, True)
    assert run(url, "list").stdout == ""


def test_configured_applications_are_not_changed_here() -> None:
    refused = CliRunner().invoke(app, ["apps", "list"])
    assert refused.exit_code == 2
    assert "app_store = config" in refused.stderr


def test_store_that_does_not_answer_is_said_without_its_password() -> None:
    refused = run("redis://:hush@127.0.0.1:1", "list")
    assert refused.exit_code == 1
    assert "Redis: " in refused.stderr
    assert "hush" not in refused.stderr


def test_mistake_in_a_setting_is_told_as_in_a_file(url: str) -> None:
    refused = run(url, "add", "1", "--set", "clientevents=true", "--set", "max_connections=many")
    assert refused.exit_code == 2
    assert "shoal: clientevents: no such setting; did you mean client_events?\n" in refused.stderr
    assert 'shoal: max_connections = "many": must be an integer' in refused.stderr
    assert 'shoal: id = "x y": must be text of letters' in run(url, "add", "x y").stderr
