"""The query of a request: what its parameters are called, and what they say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

# Nearly every query: names in lower case, nothing escaped, no array.
_PLAIN = re.compile(r"[a-z_0-9]+=[^&%+]*(?:&[a-z_0-9]+=[^&%+]*)*")


class Query(NamedTuple):
    """A query's parameters, their names in lower case. The last one of a name counts."""

    values: dict[str, str]
    lists: dict[str, list[str]]
    """Those that were sent as ``name[]``, by the name before the brackets."""

    def parameters(self) -> Mapping[str, str | list[str]]:
        """Return all of them. An array goes before a value of the same name."""
        return {**self.values, **self.lists} if self.lists else self.values


def parse_query(query: str, *, plus_is_space: bool = True) -> Query:
    """Return the parameters of a query, decoded."""
    if _PLAIN.fullmatch(query):
        return Query(dict([pair.split("=", 1) for pair in query.split("&")]), {})
    parsed = Query({}, {})
    for pair in query.replace("+", " ").split("&") if plus_is_space else query.split("&"):
        name, _, value = pair.partition("=")
        _add(parsed, unquote(name).lower(), unquote(value))
    return parsed


def _add(query: Query, name: str, value: str) -> None:
    if name.endswith("[]"):
        query.lists.setdefault(name[:-2], []).append(value)
    elif name:
        query.values[name] = value
