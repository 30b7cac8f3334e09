"""The ``info`` parameter: which numbers about a channel the caller wants to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.api.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Set
    from typing import Any

    from adapter.base import Occupancy
    from server.protocol.names import Kind

COUNTS = frozenset({"user_count", "subscription_count"})
ATTRIBUTES = COUNTS | {"cache"}


def parse_info(fields: Mapping[str, Any], known: Set[str] = ATTRIBUTES) -> frozenset[str]:
    """Return the attributes asked for.

    :raises BadRequest: if one isn't among `known`, or it isn't such a list at all.
    """
    value = fields.get("info")
    if not value:
        return frozenset()
    asked = frozenset(name.strip() for name in value.split(",")) if isinstance(value, str) else frozenset({""})
    if not asked <= known:
        raise BadRequest(f"info should be a comma separated list of attributes, any of: {', '.join(sorted(known))}")
    return asked


def counts(kind: Kind, occupancy: Occupancy, info: Set[str]) -> dict[str, int]:
    """Return those of the numbers asked for that a channel of this kind has."""
    attributes = {}
    if "user_count" in info and kind.presence:
        attributes["user_count"] = occupancy.members
    if "subscription_count" in info:
        attributes["subscription_count"] = occupancy.subscriptions
    return attributes
