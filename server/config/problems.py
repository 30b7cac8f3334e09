"""What is said about a mistake in the configuration: the key, where it was set, its value, what is allowed.

Secrets are never repeated. Since a misspelt ``secret`` is a secret too, the value of an unknown key isn't either.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from server.apps import App, Webhook
from server.config.allowed import allowed_values
from server.config.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

_MAX_SHOWN = 80


class ConfigurationError(Exception):
    """The configuration can't be used; the text says why, one mistake a line."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from."""

    kind: Literal["file", "environment", "flag"]
    file: Path | None = None

    def of(self, key: str) -> str:
        """Say where the setting `key` was given, as a user would find it."""
        match self.kind:
            case "file":
                return f"file {self.file}"
            case "environment":
                return f"environment variable {self.spell(key)}"
            case "flag":
                return f"flag {self.spell(key)}"

    def spell(self, key: str) -> str:
        """Return the name that the setting `key` has in this place."""
        match self.kind:
            case "file":
                return key
            case "environment":
                return f"SHOAL_{key.upper()}"
            case "flag":
                return "--" + key.replace("_", "-")


def describe(error: ErrorDetails, origins: Mapping[str, Origin]) -> str:
    """Return the line for one of pydantic's errors about the settings."""
    location = error["loc"]
    if not location:
        return _own_words(error)
    origin = origins.get(str(location[0]))
    where = f" ({origin.of(str(location[0]))})" if origin else ""
    return f"{_path(location)}{_shown_value(error)}{where}: {_complaint(error, origin)}"


def describe_app(error: ErrorDetails) -> str:
    """Return the line for one of pydantic's errors about an application that is by itself, in no list."""
    in_a_list: ErrorDetails = {**error, "loc": ("apps", 0, *error["loc"])}
    return describe(in_a_list, {}).removeprefix("apps[0].")


def _path(location: tuple[int | str, ...]) -> str:
    head, *rest = location
    return str(head) + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)


def _shown_value(error: ErrorDetails) -> str:
    name, field, value = _name(error["loc"]), _field(error["loc"]), error["input"]
    if (
        field is None
        or name in {"secret", "second_secret", "drain_token", "redis", "app_store", "apps", "webhooks"}
        or not isinstance(value, str | int | float)
    ):
        return ""
    shown = json.dumps(value)
    return f" = {shown if len(shown) <= _MAX_SHOWN else shown[:_MAX_SHOWN] + '...'}"


def _complaint(error: ErrorDetails, origin: Origin | None) -> str:
    field = _field(error["loc"])
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "extra_forbidden":
        return "no such setting" + _suggestion(error["loc"], origin)
    if error["type"] == "value_error":
        return _own_words(error)
    return f"must be {allowed_values(field) if field else 'a table'}"


def _own_words(error: ErrorDetails) -> str:
    return error["msg"].removeprefix("Value error, ")


def _suggestion(location: tuple[int | str, ...], origin: Origin | None) -> str:
    in_app = len(location) > 1
    known = Webhook.model_fields if _is_webhooks(location) else App.model_fields if in_app else Settings.model_fields
    nearest = get_close_matches(str(location[-1]), known, n=1)
    if not nearest:
        return ""
    return f"; did you mean {nearest[0] if in_app or origin is None else origin.spell(nearest[0])}?"


def _name(location: tuple[int | str, ...]) -> str:
    """Return the setting that an error is about; an application's are found behind their list's index."""
    return str(location[2] if location[0] == "apps" and len(location) > 2 else location[0])


def _is_webhooks(location: tuple[int | str, ...]) -> bool:
    """Tell whether an error is about a field of one of an application's webhooks."""
    return location[0] == "apps" and len(location) > 4 and location[2] == "webhooks"


def _field(location: tuple[int | str, ...]) -> FieldInfo | None:
    if location[0] == "apps" and len(location) == 2:
        return None
    if _is_webhooks(location):
        return Webhook.model_fields.get(str(location[4]))
    fields = App.model_fields if location[0] == "apps" and len(location) > 2 else Settings.model_fields
    return fields.get(_name(location))
