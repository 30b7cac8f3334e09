"""The query of a request: what its parameters are called, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

    Parameters = Mapping[str, str | list[str]]


class Query(NamedTuple):
    """A query's parameters, their names in lower case. The last one of a name counts."""

    values: dict[str, str]
    lists: dict[str, list[str]]
    """Those that were sent as ``name[]``, by the name before the brackets."""

    def parameters(self) -> Parameters:
        """Return all of them. An array goes before a value of the same name."""
        return {**self.values, **self.lists} if self.lists else self.values


def parse_query(query: str, *, plus_is_space: bool = True) -> Query:
    """Return the parameters of a query, decoded."""
    if plus_is_space:
        query = query.replace("+", " ")
    if "%" in query or "[" in query:
        return _parse_escaped(query)
    # Nearly always: nothing to decode, no array.
    values = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        values[name.lower()] = value
    values.pop("", None)
    return Query(values, {})


def _parse_escaped(query: str) -> Query:
    parsed = Query({}, {})
    for pair in query.split("&"):
        name, _, value = (unquote(part) for part in pair.partition("="))
        name = name.lower()
        if name.endswith("[]"):
            parsed.lists.setdefault(name[:-2], []).append(value)
        elif name:
            parsed.values[name] = value
    return parsed
