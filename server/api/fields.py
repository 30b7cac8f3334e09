"""Fields of a request, by name: from its JSON body, its query, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server.api.errors import BadRequest
from server.protocol.strict_json import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

Fields = dict[str, Any]

MAX_IDEMPOTENCY_KEY = 256
"""Characters: ample for a UUID with a prefix; each is remembered for minutes."""


def parse_fields(body: bytes, parameters: Mapping[str, Any], *, max_depth: int) -> Fields:
    """Return the fields of a request whose parameters may be in its body or in its query; the body wins.

    :raises Malformed: if the body isn't acceptable JSON.
    :raises BadRequest: if it isn't an object.
    """
    if not body:
        return dict(parameters)
    value = decode(body, max_depth=max_depth)
    if not isinstance(value, dict):
        raise BadRequest("Expected the body to be a JSON object")
    return {**parameters, **value}


def required_text(fields: Mapping[str, Any], name: str) -> str:
    """:raises BadRequest: if there is no such field, or it isn't a string."""
    value = fields.get(name)
    if isinstance(value, str):
        return value
    if value is None:
        raise BadRequest(f"Missing required parameter: {name}")
    raise BadRequest(f"Expected {name} parameter to be a string")


def optional_text(fields: Mapping[str, Any], name: str) -> str:
    """Return a field, or an empty string where it is missing or null.

    :raises BadRequest: if it isn't a string.
    """
    return "" if fields.get(name) is None else required_text(fields, name)


def parse_idempotency_key(fields: Mapping[str, Any], header: str) -> str:
    """Return what a retry of the same request has in common with it, or an empty string. The field wins.

    :raises BadRequest: if it isn't a string, or is too long.
    """
    key = optional_text(fields, "idempotency_key") or header
    if len(key) > MAX_IDEMPOTENCY_KEY:
        raise BadRequest(f"idempotency_key of {len(key)} characters, at most {MAX_IDEMPOTENCY_KEY} are allowed")
    return key
