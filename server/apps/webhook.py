"""One webhook: where an application's back end wants to be told of what happens, and of which of it."""

import re
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

EventType = Literal[
    "channel_occupied",
    "channel_vacated",
    "member_added",
    "member_removed",
    "client_event",
    "cache_miss",
    "subscription_count",
]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What we send ourselves, and what belongs to the connection.
_OURS = re.compile(
    r"x-(?:pusher|shoal)-.*|content-(?:type|length|encoding)|host|connection|transfer-encoding|expect|upgrade|te|trailer",
    re.IGNORECASE,
)


def _checked_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("write http://HOST/PATH or https://HOST/PATH")
    if parts.username is not None or parts.fragment:
        raise ValueError("no user, password or #fragment: use a header of its own for credentials")
    return text


def _checked_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not value.isascii() or not value.isprintable():
            raise ValueError(f"{name!r} is no header, or its value has characters that no header may have")
        if _OURS.fullmatch(name):
            raise ValueError(f"{name!r} is set by the server itself")
    return headers


class Webhook(BaseModel):
    """An address, what it is told of, and what is sent with it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(_checked_url)] = Field(
        description="Where events are posted to. Several webhooks may have the same: it is told each event once."
    )
    event_types: tuple[EventType, ...] = Field((), description="Events that it is told. Empty: all.")
    channel_name_starts_with: str = Field("", description="Only of channels whose name begins so. Empty: all.")
    channel_name_ends_with: str = Field("", description="Only of channels whose name ends so. Empty: all.")
    channel_name_matches: str = Field(
        "",
        description="Only of channels whose whole name fits this pattern: `*` is any text, `?` one character, `[ab]` "
        "one of these. No regular expression, since some of those never end. Empty: all.",
    )
    headers: Annotated[dict[str, str], AfterValidator(_checked_headers)] = Field(
        default_factory=dict, description="Sent with each request. None that the server sets itself.", repr=False
    )

    @model_validator(mode="before")
    @classmethod
    def _read_as_soketi_has_it(cls, given: Any) -> Any:
        """Take over Soketi's: filters in a table of their own, and what isn't there as null or empty in many a form."""
        if not isinstance(given, dict):
            return given
        given = {key: value for key, value in given.items() if value or key == "url"}
        filters = given.get("filter")
        if not isinstance(filters, dict):
            return given
        del given["filter"]
        return given | {name: value for name, value in filters.items() if value}

    def wants(self, event_type: str, channel: str) -> bool:
        """Tell whether it is to be told of such an event of a channel."""
        if self.event_types and event_type not in self.event_types:
            return False
        return (
            channel.startswith(self.channel_name_starts_with)
            and channel.endswith(self.channel_name_ends_with)
            and (not self.channel_name_matches or fnmatchcase(channel, self.channel_name_matches))
        )
