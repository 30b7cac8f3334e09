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
from urllib.parse import unquote

from server.api.errors import Forbidden, Unauthorized
from server.protocol.auth import sign
from server.protocol.json import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from server.apps import App

Parameters = dict[str, str | list[str]]

GRACE = 600
"""Seconds by which the clock of whoever signs may be wrong, either way."""


class SignedRequest(NamedTuple):
    """A request, as far as signatures are concerned."""

    method: str
    path: str
    """Percent-decoded."""
    raw_path: str
    query: str
    body: bytes


def authenticate(
    request: SignedRequest, *, app_id: str | None, by_key: Callable[[str], App | None], now: float
) -> tuple[App, Parameters]:
    """Return the application whose secret signed the request, and the parameters of its query.

    :param app_id: the application that the path names; None where it names none, and the key alone decides.
    :raises Unauthorized: if it isn't signed, or not so that it can be believed now.
    :raises Forbidden: if the application is disabled.
    """
    parameters = parse_query(request.query)
    app = _find_app(parameters, app_id, by_key)
    _check_version(parameters)
    _check_timestamp(parameters, now)
    parameters = _check_signature(request, parameters, app.secret_bytes)
    _check_body(parameters, request.body)
    if not app.enabled:
        raise Forbidden("Application disabled")
    return app, parameters


def parse_query(query: str, *, plus_is_space: bool = True) -> Parameters:
    """Return the parameters of a query; those whose names end in ``[]`` as lists, under the name before it."""
    if plus_is_space and "+" in query:
        query = query.replace("+", " ")
    parameters: Parameters = {}
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if "%" in pair:
            key, value = unquote(key), unquote(value)
        key = key.lower()
        if key.endswith("[]"):
            _append(parameters, key[:-2], value)
        elif key:
            parameters[key] = value
    return parameters


def string_to_sign(method: str, path: str, parameters: Parameters) -> str:
    """Return what the signature is made of."""
    pairs = []
    for key, value in sorted(parameters.items()):
        if key == "auth_signature":
            continue
        if isinstance(value, str):
            pairs.append(f"{key}={value}")
        else:
            pairs += [f"{key}[]={item}" for item in value]
    return f"{method}\n{path}\n{'&'.join(pairs)}"


def _append(parameters: Parameters, key: str, value: str) -> None:
    items = parameters.get(key)
    if isinstance(items, list):
        items.append(value)
    else:
        parameters[key] = [value]


def _single(parameters: Parameters, name: str) -> str | None:
    value = parameters.get(name)
    return value if isinstance(value, str) else None


def _find_app(parameters: Parameters, app_id: str | None, by_key: Callable[[str], App | None]) -> App:
    key = _single(parameters, "auth_key")
    if key is None:
        raise Unauthorized("Missing parameter: auth_key")
    app = by_key(key)
    if app is None:
        raise Unauthorized("Unknown auth_key")
    if app_id is not None and app.id != app_id:
        raise Unauthorized(f"Mismatched auth_key: it does not belong to app {app_id}")
    return app


def _check_version(parameters: Parameters) -> None:
    version = _single(parameters, "auth_version")
    if version is None:
        raise Unauthorized("Version required")
    if version != "1.0":
        raise Unauthorized("Version not supported")


def _check_timestamp(parameters: Parameters, now: float) -> None:
    given = _single(parameters, "auth_timestamp")
    if given is None:
        raise Unauthorized("Timestamp required")
    # Ten digits reach to the year 2286. isdigit alone also knows digits of other scripts.
    is_number = given.isascii() and given.isdigit() and len(given) <= 10
    if not is_number or abs(int(given) - int(now)) >= GRACE:
        shown = _iso(int(given)) if is_number else given[:32]
        raise Unauthorized(
            f"Timestamp expired: Given timestamp ({shown}) not within {GRACE}s of server time ({_iso(int(now))})"
        )


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _check_signature(request: SignedRequest, parameters: Parameters, secret: bytes) -> Parameters:
    """Return the parameters in the reading that fits the signature."""
    signature = _single(parameters, "auth_signature") or ""
    for path, reading in _readings(request, parameters):
        expected = sign(secret, string_to_sign(request.method, path, reading))
        # As bytes, because compare_digest refuses text that isn't ASCII.
        if hmac.compare_digest(expected.encode(), signature.encode()):
            return reading
    # The first reading is the one that the documentation describes. Encoded as JSON, so that its line ends are seen.
    signed = encode(string_to_sign(request.method, request.path, parameters)).decode()
    raise Unauthorized(
        f"Invalid signature: you should have sent HmacSHA256Hex({signed}, your_secret_key), "
        f"but you sent {encode(signature).decode()}"
    )


def _readings(request: SignedRequest, parameters: Parameters) -> Iterator[tuple[str, Parameters]]:
    paths = [request.path] if request.path == request.raw_path else [request.path, request.raw_path]
    for path in paths:
        yield path, parameters
    if "+" in request.query:
        literal = parse_query(request.query, plus_is_space=False)
        for path in paths:
            yield path, literal


def _check_body(parameters: Parameters, body: bytes) -> None:
    """Check the body against its hash, which the signature covers. Some libraries send the hash of an empty one too."""
    given = _single(parameters, "body_md5")
    if given is None:
        if body:
            raise Unauthorized("Missing parameter: body_md5")
        return
    expected = hashlib.md5(body, usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise Unauthorized(f"Invalid body_md5: the MD5 of the body that arrived is {expected}")
