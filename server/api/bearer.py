"""Who may do more on the metrics port than look: the bearer of the operator's token."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from server.api.errors import Forbidden, Unauthorized

if TYPE_CHECKING:
    from server.api.call import Call


def require_bearer(call: Call, token: bytes | None, what: str) -> None:
    """See that a request shows the token.

    :param what: what it is for, in words.
    :raises Forbidden: if there is no token, so that nobody may.
    :raises Unauthorized: if it shows another one, or none.
    """
    if token is None:
        raise Forbidden(f"{what} over HTTP is off: set drain_token (SHOAL_DRAIN_TOKEN)")
    scheme, _, given = call.header(b"authorization").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token):
        raise Unauthorized("Expected the header Authorization: Bearer <drain_token>")
