"""An application as a hash in Redis: a field for each setting that isn't at its default.

Texts stand there as they are, everything else as JSON, so that a hash can be read, and written, by hand.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from server.apps.app import App
from server.apps.errors import BadRow
from server.apps.reading import read_app

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS = frozenset(
    name for name, field in App.model_fields.items() if field.annotation in (str, SecretStr, SecretStr | None)
)


def encode(app: App) -> dict[str, str]:
    """Return the fields of an application."""
    return {
        name: _encoded(app, name)
        for name, field in App.model_fields.items()
        if getattr(app, name) != field.get_default(call_default_factory=True)
    }


def _encoded(app: App, name: str) -> str:
    value = getattr(app, name)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if name in _TEXTS else json.dumps(app.model_dump(mode="json", include={name})[name])


def decode(fields: Mapping[str, str]) -> App:
    """Return the application that has these fields.

    :raises BadRow: if it can't be used.
    """
    return read_app({name: _decoded(name, text) for name, text in fields.items()})


def _decoded(name: str, text: str) -> Any:
    if name in _TEXTS:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadRow(name, "is not JSON") from None
