"""Signatures of subscriptions and sign-ins, and the values that they cover."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

from server.protocol import strict_json
from server.protocol.errors import Malformed, Unauthorized
from server.protocol.names import is_valid_user_id


def sign(secret: bytes, text: str) -> str:
    """Return the lower-case hex HMAC-SHA256 of `text`."""
    return hmac.digest(secret, text.encode(), "sha256").hex()


def check(auth: str, *, key: str, secrets: tuple[bytes, ...], text: str) -> None:
    """Check `auth`, of the form ``<app key>:<hex HMAC-SHA256 of text>``.

    :param secrets: any of which may have made the signature; there are two while one replaces the other.
    :raises Unauthorized: if it is for another key, or the signature isn't right.
    """
    given_key, _, signature = auth.partition(":")
    if given_key != key:
        raise Unauthorized(f"Invalid key in subscription auth data: '{given_key[:100]}'")
    given = signature.encode()
    if not any(hmac.compare_digest(sign(secret, text).encode(), given) for secret in secrets):
        raise Unauthorized(
            f"Invalid signature: Expected HMAC SHA256 hex digest of {text[:300]}, but got {signature[:100]}"
        )


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a presence channel."""

    user_id: str
    user_info: bytes
    """The JSON of an object, or empty for none."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who signed in."""

    id: str
    user_info: bytes
    watchlist: tuple[str, ...]


def parse_channel_data(raw: str, channel: str, *, max_bytes: int, max_user_id_length: int) -> Member:
    """Return the member that a presence subscription's `channel_data` stands for.

    A number as user id becomes a string, as Laravel and Ruby send it.

    :raises Malformed: if it isn't one, or is too large.
    """
    if len(raw.encode()) > max_bytes:
        raise Malformed(f"channel_data of {channel} exceeds the allowed maximum ({max_bytes} bytes)")
    data = _object(raw, "channel_data")
    user_id = data.get("user_id")
    if isinstance(user_id, int | float) and not isinstance(user_id, bool):
        # As JavaScript writes it, which knows no difference between 1 and 1.0.
        is_whole = isinstance(user_id, float) and user_id.is_integer() and abs(user_id) < 1e21
        user_id = strict_json.encode(int(user_id) if is_whole else user_id).decode()
    if not isinstance(user_id, str) or not user_id:
        raise Malformed(f"channel_data must include a user_id when subscribing to presence channels ({channel})")
    if len(user_id) > max_user_id_length:
        raise Malformed(f"user_id of {len(user_id)} characters, at most {max_user_id_length} are allowed")
    return Member(user_id, _user_info(data))


def parse_user_data(raw: str, *, max_bytes: int, max_user_id_length: int) -> User:
    """Return the user that a sign-in's `user_data` stands for.

    :raises Malformed: if it isn't one, or is too large.
    """
    if len(raw.encode()) > max_bytes:
        raise Malformed(f"user_data exceeds the allowed maximum ({max_bytes} bytes)")
    data = _object(raw, "user_data")
    user_id = data.get("id")
    if isinstance(user_id, str) and len(user_id) > max_user_id_length:
        raise Malformed(f"id of {len(user_id)} characters, at most {max_user_id_length} are allowed")
    if not isinstance(user_id, str) or not is_valid_user_id(user_id, max_length=max_user_id_length):
        raise Malformed("user_data must include an id: a non-empty string of letters, digits and _ - = @ , . ;")
    watchlist = data.get("watchlist") or []
    if not isinstance(watchlist, list) or not all(isinstance(item, str) and item for item in watchlist):
        raise Malformed("watchlist supplied to signin is invalid - if supplied it must be a list of user ids")
    # Each once, in their order.
    return User(user_id, _user_info(data), tuple(dict.fromkeys(watchlist)))


def _object(raw: str, what: str) -> dict[str, Any]:
    try:
        data = strict_json.decode(raw)
    except Malformed as exc:
        raise Malformed(f"{what} is not valid JSON: {exc}") from exc
    if not isinstance(data, dict):
        raise Malformed(f"{what} must be a JSON object")
    return data


def _user_info(data: dict[str, Any]) -> bytes:
    info = data.get("user_info")
    if info is None:
        return b""
    if not isinstance(info, dict):
        raise Malformed(
            "user_info supplied to presence subscription is invalid - if supplied it must be a type of hash"
        )
    return strict_json.encode(info)
