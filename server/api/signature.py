"""Who sent a request: the signature over its method, path, query and body.

    string to sign = METHOD "\\n" path "\\n" parameters
    parameters     = "key=value" joined with "&", keys in lower case and in their order, values decoded,
                     auth_signature left out; an array is repeated as "key[]=value"

Libraries disagree about what "decoded" means, so a request may be read in up to four ways: its path may have been
signed as it was escaped, and a plus sign in its query may be a space (Go) or just that (Node and Python don't escape
at all). The readings differ in nothing but that, and whichever fits the signature is the one that is carried out.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from server.api.errors import Forbidden, Unauthorized
from server.api.query import parse_query
from server.protocol.auth import sign
from server.protocol.strict_json import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.api.query import Query
    from server.apps import App

GRACE = 600
"""Seconds by which the clock of whoever signs may be wrong, either way."""


class SignedRequest(NamedTuple):
    """A request, as far as signatures are concerned."""

    method: str
    path: str
    """Percent-decoded."""
    raw_path: bytes
    query: str
    body: bytes


def authenticate(
    request: SignedRequest, query: Query, app: App | None, *, app_id: str | None, now: float
) -> tuple[App, Query]:
    """Return the application whose secret signed the request, and its query.

    :param query: the request's.
    :param app: the application that its ``auth_key`` belongs to, if any.
    :param app_id: the application that the path names; None where it names none, and the key alone decides.
    :raises Unauthorized: if it isn't signed, or not so that it can be believed now.
    :raises Forbidden: if the application is disabled.
    """
    app = _check_app(query.values, app_id, app)
    _check_version(query.values)
    _check_timestamp(query.values, int(now))
    query = _check_signature(request, query, app.secrets)
    _check_body(query.values, request.body)
    if not app.enabled:
        raise Forbidden("Application disabled")
    return app, query


def string_to_sign(method: str, path: str, query: Query) -> str:
    """Return what the signature is made of."""
    pairs = sorted(query.values.items())
    if query.lists:
        # Arrays are sorted by what stands before the brackets; the sort is stable, so that each keeps its order.
        pairs += [(f"{name}[]", item) for name, items in query.lists.items() for item in items]
        pairs.sort(key=lambda pair: pair[0].removesuffix("[]"))
    signed = "&".join([f"{name}={value}" for name, value in pairs if name != "auth_signature"])
    return f"{method}\n{path}\n{signed}"


def _check_app(values: dict[str, str], app_id: str | None, app: App | None) -> App:
    if "auth_key" not in values:
        raise Unauthorized("Missing parameter: auth_key")
    if app is None:
        raise Unauthorized("Unknown auth_key")
    if app_id is not None and app.id != app_id:
        raise Unauthorized(f"Mismatched auth_key: it does not belong to app {app_id}")
    return app


def _check_version(values: dict[str, str]) -> None:
    version = values.get("auth_version")
    if version is None:
        raise Unauthorized("Version required")
    if version != "1.0":
        raise Unauthorized("Version not supported")


def _check_timestamp(values: dict[str, str], now: int) -> None:
    given = values.get("auth_timestamp")
    if given is None:
        raise Unauthorized("Timestamp required")
    try:
        is_timely = abs(int(given) - now) < GRACE
    except ValueError:
        is_timely = False
    if not is_timely:
        raise Unauthorized(
            f"Timestamp expired: Given timestamp ({_iso(given)}) not within {GRACE}s of server time ({_iso(str(now))})"
        )


def _iso(given: str) -> str:
    """Return the date that a timestamp stands for; what can't be one is shown as it is, but not all of it."""
    try:
        return datetime.fromtimestamp(int(given), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return given[:32]


def _check_signature(request: SignedRequest, query: Query, secrets: tuple[bytes, ...]) -> Query:
    """Return the query in the reading that fits the signature, made with any of the secrets."""
    # As bytes, because compare_digest refuses text that isn't ASCII.
    signature = query.values.get("auth_signature", "").encode()
    text = string_to_sign(request.method, request.path, query)
    if _is_signed(text, signature, secrets):
        return query
    for path, reading in _other_readings(request, query):
        if _is_signed(string_to_sign(request.method, path, reading), signature, secrets):
            return reading
    # Encoded as JSON, so that the ends of its lines can be seen.
    raise Unauthorized(
        f"Invalid signature: you should have sent HmacSHA256Hex({encode(text).decode()}, your_secret_key), "
        f"but you sent {encode(signature.decode()).decode()}"
    )


def _is_signed(text: str, signature: bytes, secrets: tuple[bytes, ...]) -> bool:
    return any(hmac.compare_digest(sign(secret, text).encode(), signature) for secret in secrets)


def _other_readings(request: SignedRequest, query: Query) -> Iterator[tuple[str, Query]]:
    # A path that isn't UTF-8 can't have been signed, so any stand-in for it will do.
    raw_path = request.raw_path.decode(errors="replace")
    if raw_path != request.path:
        yield raw_path, query
    if "+" in request.query:
        literal = parse_query(request.query, plus_is_space=False)
        yield request.path, literal
        yield raw_path, literal


def _check_body(values: dict[str, str], body: bytes) -> None:
    """Check the body against its hash, which the signature covers. Some libraries send the hash of an empty one too."""
    given = values.get("body_md5")
    if given is None:
        if body:
            raise Unauthorized("Missing parameter: body_md5")
        return
    expected = hashlib.md5(body, usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise Unauthorized(f"Invalid body_md5: the MD5 of the body that arrived is {expected}")
