"""From what is stored of an application to the application: a mistake makes that one unusable, and says where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from server.apps.app import App
from server.apps.errors import BadRow

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_app(values: Mapping[str, Any], names: Mapping[str, str] | None = None) -> App:
    """Return the application that has these settings.

    Names that aren't settings are passed over: they may be those of a later release, which runs beside this one for the
    length of a deploy.

    :param names: what a setting is called where it is stored, if not the same.
    :raises BadRow: if they can't be used. It doesn't repeat the value, which may be a secret.
    """
    try:
        return App.model_validate({name: value for name, value in values.items() if name in App.model_fields})
    except ValidationError as exc:
        error = exc.errors(include_url=False, include_context=False, include_input=False)[0]
        name, *within = [str(part) for part in error["loc"]] or [""]
        why = f"{'.'.join(within)}: {error['msg']}" if within else error["msg"]
        raise BadRow((names or {}).get(name, name), why) from None
