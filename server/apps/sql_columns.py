"""Which column of a database's table is which setting: those of Soketi's table, and any that is called like a setting.

Soketi's columns have meanings of their own: -1 is "no limit", NULL and an absent column are "the default", sizes are in
kilobytes, truth values are small integers. A column that is called like one of our settings is taken as it is, NULL
again for the default, so that the same table can hold what Soketi hasn't.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from server.apps.app import App
from server.apps.errors import BadRow
from server.apps.reading import read_app

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

NO_LIMIT = 1_000_000_000
"""Stands for Soketi's -1 where a setting always has a limit."""
AUTHENTICATION_SECONDS = 30.0
"""In which Soketi wants a client to sign in, where an application asks for it."""
REQUIRED = ("id", "key", "secret")


@dataclass(frozen=True, slots=True)
class _Column:
    """What one of Soketi's columns is here."""

    setting: str
    read: Callable[[Any], Any]


def _as_it_is(value: Any) -> Any:
    return value


def _text(value: Any) -> Any:
    # An id may be an integer there, or a UUID.
    return str(value) if isinstance(value, int | UUID) else value


def _number(value: Any) -> Any:
    # A column may be text.
    return int(value) if isinstance(value, str) else value


def _truth(value: Any) -> Any:
    # MySQL's BIT is bytes, and a column may be text.
    return bool(int.from_bytes(value, "big")) if isinstance(value, bytes) else value


def _limit_or_none(value: Any) -> Any:
    return None if _number(value) == -1 else value


def _limit(value: Any) -> Any:
    return NO_LIMIT if _number(value) == -1 else value


def _kilobytes(value: Any) -> Any:
    return NO_LIMIT if _number(value) == -1 else _number(value) * 1_024


def _authentication(value: Any) -> Any:
    return AUTHENTICATION_SECONDS if _number(_truth(value)) else None


def _json(value: Any) -> Any:
    # MariaDB's JSON is text.
    return json.loads(value) if isinstance(value, str | bytes) else value


def _list(value: Any) -> Any:
    # Nothing at all is there too, where the column is text.
    return _json(value) or () if value else ()


_COLUMNS = {
    "id": _Column("id", _text),
    "key": _Column("key", _text),
    "secret": _Column("secret", _as_it_is),
    "enabled": _Column("enabled", _truth),
    "max_connections": _Column("max_connections", _limit_or_none),
    "enable_client_messages": _Column("client_events", _truth),
    "enable_user_authentication": _Column("authorization_timeout", _authentication),
    "max_backend_events_per_sec": _Column("max_backend_events_per_second", _limit_or_none),
    "max_client_events_per_sec": _Column("max_client_events_per_second", _limit),
    "max_read_req_per_sec": _Column("max_reads_per_second", _limit_or_none),
    "max_presence_members_per_channel": _Column("max_presence_members", _limit),
    "max_presence_member_size_in_kb": _Column("max_presence_member_bytes", _kilobytes),
    "max_channel_name_length": _Column("max_channel_name_length", _limit),
    "max_event_channels_at_once": _Column("max_event_channels", _limit),
    "max_event_name_length": _Column("max_event_name_length", _limit),
    "max_event_payload_in_kb": _Column("max_event_bytes", _kilobytes),
    "max_event_batch_size": _Column("max_batch_events", _limit),
    "webhooks": _Column("webhooks", _list),
}
_OWN_LISTS = frozenset(
    name
    for name, field in App.model_fields.items()
    if "tuple" in str(field.annotation) or "list" in str(field.annotation)
)
_OWN_TRUTHS = frozenset(name for name, field in App.model_fields.items() if field.annotation is bool)


def known_columns(columns: Collection[str]) -> list[str]:
    """Return those columns of a table that mean something here."""
    return [name for name in columns if name in _COLUMNS or name in App.model_fields]


def app_of_row(row: Mapping[str, Any]) -> App:
    """Return the application that a row stands for.

    :raises BadRow: if it can't be used.
    """
    values: dict[str, Any] = {}
    names: dict[str, str] = {}
    for column, value in row.items():
        if value is not None:
            setting, read = _meaning(column)
            values[setting], names[setting] = _read(column, read, value), column
    return read_app(values, names)


def _meaning(column: str) -> tuple[str, Callable[[Any], Any]]:
    known = _COLUMNS.get(column)
    if known is not None:
        return known.setting, known.read
    if column in _OWN_LISTS:
        return column, _list
    return column, _truth if column in _OWN_TRUTHS else _as_it_is


def _read(column: str, read: Callable[[Any], Any], value: Any) -> Any:
    try:
        return read(value)
    except (TypeError, ValueError, RecursionError):
        raise BadRow(column, "can't be read") from None
