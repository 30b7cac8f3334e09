"""What a setting may be, in words: for the documentation and for error messages."""

from __future__ import annotations

from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from pydantic import SecretStr

from server.apps import App, Webhook
from server.quantities import Unit

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_KINDS: dict[object, str] = {
    bool: "true or false",
    str: "text, not empty",
    Path: "a path",
    SecretStr: "text, not empty",
}
_LISTS: dict[object, str] = {App: "one or more tables", Webhook: "a list of tables"}


def allowed_values(field: FieldInfo) -> str:
    """Return what a setting may be, such as ``an integer, 0 to 65535``."""
    kind, metadata = _unwrap(field.annotation, list(field.metadata))
    length = _bound(metadata, "min_length")
    if kind is SecretStr and isinstance(length, int) and length > 1:
        return f"text of at least {length} characters"
    return _kind(kind, metadata) + _bounds(metadata)


def _unwrap(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    """Take ``Annotated`` and ``| None`` off a type; None in a file can't be written anyway."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _unwrap(inner, metadata + more)
    choices = [choice for choice in get_args(annotation) if choice is not NoneType]
    if NoneType in get_args(annotation) and len(choices) == 1:
        return _unwrap(choices[0], metadata)
    return annotation, metadata


def _kind(kind: Any, metadata: list[Any]) -> str:
    units = [item.name for item in metadata if isinstance(item, Unit)]
    if units:
        return str(units[0])
    if get_origin(kind) is Literal:
        *most, last = get_args(kind)
        return f"{', '.join(most)} or {last}"
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return f"a list of {_kind(item, [])}" if get_origin(item) is Literal else _LISTS.get(item, "a list of texts")
    if get_origin(kind) is dict:
        return "a table of texts"
    if kind is str and any(getattr(item, "pattern", None) for item in metadata):
        return "text of letters, digits, `-` and `_`"
    return _KINDS[kind]


def _bounds(metadata: list[Any]) -> str:
    at_least, above, at_most = (_bound(metadata, name) for name in ("ge", "gt", "le"))
    if at_least is not None and at_most is not None:
        return f", {at_least} to {at_most}"
    limits = (("at least", at_least), ("above", above), ("at most", at_most))
    return "".join(f", {word} {limit}" for word, limit in limits if limit is not None)


def _bound(metadata: list[Any], name: str) -> object:
    return next((getattr(item, name) for item in metadata if hasattr(item, name)), None)
