"""``shoal apps``: look after the applications in the store that the configuration names.

Secrets are made here and printed once. They are in no log, and no other command shows them.
"""

import json
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import SecretStr, ValidationError

from server.apps import App
from server.apps.errors import StoreError
from server.apps.store import EditableStore, Stored
from server.cli.failures import configuration_errors_reported
from server.cli.options import ConfigFile
from server.cli.store import store_of, with_store
from server.config import ConfigurationError, describe_app, load_settings

apps = typer.Typer(help="Applications in a Redis or a database.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The application's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
T = TypeVar("T")


@apps.command("list")
def list_apps(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List all applications, without their secrets."""
    stored = _work(config, lambda store: store.list())
    if as_json:
        typer.echo(json.dumps([_described(app) for app in stored.apps]))
    else:
        for line in _lines(stored):
            typer.echo(line)
    for item in stored.unusable:
        typer.echo(f"shoal: application {item.id} can't be used as it is stored: {item.why}", err=True)


@apps.command("add")
def add(
    app_id: Id,
    key: Annotated[str | None, typer.Option(help="What clients connect with. [default: made up]")] = None,
    secret_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="File with the secret, - for standard input. [default: made up]")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SETTING=VALUE", help="Another setting, such as client_events=true; repeatable."),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Add an application, and print its credentials."""
    with configuration_errors_reported():
        secret = secrets.token_hex(16) if secret_file is None else _read_secret(secret_file)
        app = _new_app(app_id, key or secrets.token_hex(10), secret, set_ or [])
    _work(config, lambda store: store.add(app))
    _tell({"id": app.id, "key": app.key, "secret": secret}, as_json)


@apps.command("disable")
def disable(app_id: Id, config: ConfigFile = None) -> None:
    """Refuse an application's clients and requests.

    Its connections are closed with 4003, its back ends get 403. `enable` takes it back.
    """
    _work(config, lambda store: store.set_enabled(app_id, enabled=False))


@apps.command("enable")
def enable(app_id: Id, config: ConfigFile = None) -> None:
    """Take back `disable`."""
    _work(config, lambda store: store.set_enabled(app_id, enabled=True))


@apps.command("rotate-secret")
def rotate_secret(
    app_id: Id,
    finish: Annotated[bool, typer.Option("--finish", help="Accept the old secret no longer.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Give an application a new secret, and print it. The old one is accepted too until `--finish`."""
    if finish:
        _work(config, lambda store: _finish(store, app_id))
    else:
        secret = secrets.token_hex(16)
        _work(config, lambda store: _rotate(store, app_id, secret))
        _tell({"id": app_id, "secret": secret}, as_json)


@apps.command("remove")
def remove(app_id: Id, config: ConfigFile = None) -> None:
    """Delete an application, and close its connections with 4001."""
    _work(config, lambda store: store.remove(app_id))


def _work(config: Path | None, work: Callable[[EditableStore], Awaitable[T]]) -> T:
    with configuration_errors_reported():
        options = store_of(load_settings(config=config, flags={}, environ=os.environ))
        return with_store(options, work)


async def _rotate(store: EditableStore, app_id: str, secret: str) -> None:
    app = await _existing(store, app_id)
    if app.second_secret is not None:
        raise StoreError(f"application {app_id!r} has two secrets already: end that rotation first, with --finish")
    await store.set_secrets(app_id, secret, app.secret.get_secret_value())


async def _finish(store: EditableStore, app_id: str) -> None:
    app = await _existing(store, app_id)
    if app.second_secret is None:
        raise StoreError(f"application {app_id!r} has one secret only: no rotation is under way")
    await store.set_secrets(app_id, app.secret.get_secret_value(), None)


async def _existing(store: EditableStore, app_id: str) -> App:
    stored = await store.fetch([app_id])
    for item in stored.unusable:
        raise StoreError(f"application {app_id!r} can't be used as it is stored: {item.why}")
    if not stored.apps:
        raise StoreError(f"there is no application {app_id!r}")
    return stored.apps[0]


def _new_app(app_id: str, key: str, secret: str, settings: list[str]) -> App:
    """:raises ConfigurationError: if there can't be such an application."""
    more: dict[str, Any] = {}
    for text in settings:
        name, separator, value = text.partition("=")
        if not separator or name in {"id", "key", "secret", "second_secret"}:
            raise ConfigurationError(f"--set {name}: write SETTING=VALUE; credentials have options of their own")
        more[name] = _parsed(value)
    try:
        return App.model_validate({"id": app_id, "key": key, "secret": SecretStr(secret)} | more)
    except ValidationError as exc:
        raise ConfigurationError(*map(describe_app, exc.errors())) from None


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _read_secret(file: str) -> str:
    """:raises ConfigurationError: if there is none to be read."""
    try:
        return (typer.get_text_stream("stdin").read() if file == "-" else Path(file).read_text("utf-8")).strip()
    except OSError as exc:
        raise ConfigurationError(f"--secret-file {file}: {exc.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"--secret-file {file}: is not UTF-8") from None


def _tell(credentials: dict[str, str], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(credentials))
    else:
        for name, value in credentials.items():
            typer.echo(f"{name} = {json.dumps(value)}")


def _described(app: App) -> dict[str, Any]:
    settings = app.model_dump(mode="json", exclude={"secret", "second_secret"})
    for webhook in settings["webhooks"]:
        # Credentials of whoever receives it.
        webhook["headers"] = dict.fromkeys(webhook["headers"], "***")
    return settings | {"is_rotating": app.second_secret is not None}


def _lines(stored: Stored) -> list[str]:
    width = max((len(app.id) for app in stored.apps), default=0)
    return [f"{app.id:{width}}  {app.key}{_remarks(app)}" for app in stored.apps]


def _remarks(app: App) -> str:
    remarks = [] if app.enabled else ["disabled"]
    if app.second_secret is not None:
        remarks.append("two secrets")
    return f"  ({', '.join(remarks)})" if remarks else ""
