"""``shoal check-config``: print the settings in effect, and where each came from."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import typer
from pydantic import SecretStr

from server.apps import App, Webhook
from server.cli.failures import configuration_errors_reported
from server.cli.options import ConfigFile
from server.config import Configuration, Settings, read_configuration


def check_config(config: ConfigFile = None) -> None:
    """Print the settings in effect.

    As TOML, each with its source and without secrets; exits with 2 if there is a mistake.
    """
    with configuration_errors_reported():
        configuration = read_configuration(config=config, flags={}, environ=os.environ)
        _check_parts(configuration.settings)
    for line in effective_lines(configuration):
        typer.echo(line)


def _check_parts(settings: Settings) -> None:
    """Take URLs apart and load certificates as a node does when it starts, which nobody else can."""
    if settings.redis or settings.store_options or settings.tls_certificate:
        from server.app import make_parts

        make_parts(settings)


def effective_lines(configuration: Configuration) -> Iterator[str]:
    """Yield one line a setting; those that aren't set are comments, since TOML has no word for nothing."""
    settings = configuration.settings
    for key in type(settings).model_fields:
        if key != "apps":
            value = getattr(settings, key)
            yield _line(key, _without_password(value) if key == "app_store" else value, _source(configuration, key))
    for app in settings.apps if settings.store_options is None else ():
        yield ""
        yield f"[[apps]]  # {_source(configuration, 'apps')}"
        yield from (
            _line(key, getattr(app, key), "") for key in App.model_fields if key != "webhooks" or not app.webhooks
        )
        for webhook in app.webhooks:
            yield ""
            yield "[[apps.webhooks]]"
            yield from (_line(key, getattr(webhook, key), "") for key in Webhook.model_fields)


def _source(configuration: Configuration, key: str) -> str:
    origin = configuration.origins.get(key)
    return origin.of(key) if origin else "default"


def _line(key: str, value: object, source: str) -> str:
    text = f"# {key} is not set" if value is None else f"{key} = {_toml(value)}"
    return f"{text}  # {source}" if source else text


def _toml(value: object) -> str:
    match value:
        case SecretStr():
            return '"***"'
        case Path():
            return json.dumps(str(value))
        case dict():
            # Headers, whose values are as good as passwords.
            return "{" + ", ".join(f'{json.dumps(name)} = "***"' for name in value) + "}"
        case tuple():
            return f"[{', '.join(_toml(_without_password(str(item))) for item in value)}]"
        # JSON's text, numbers and truth values are TOML's as well.
        case _:
            return json.dumps(value)


_PASSWORD = re.compile(r"([?&][^=&]*(?:pass|pwd|secret|token)[^=&]*=)[^&#]*", re.IGNORECASE)


def _without_password(text: str) -> str:
    """Take the credentials out of a URL: those before the host, and those in the query, such as Sentinel's."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return text
    # Not by parsing it: a URL with a mistake in it, which is what people look for here, has a password too.
    place, mark, query = rest.partition("?")
    place = f"***@{place.rpartition('@')[2]}" if "@" in place else place
    return scheme + separator + place + _PASSWORD.sub(r"\1***", mark + query)
