"""Channel names, and what a name says about its channel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from server.protocol.errors import InvalidChannel

USER_PREFIX = "#server-to-user-"
CLIENT_EVENT_PREFIX = "client-"
RESERVED_EVENT_PREFIXES = ("pusher:", "pusher_internal:")

_CHANNEL = re.compile(r"[-a-zA-Z0-9_=@,.;]+")
# \Z, not $: a name must not end in a newline.
_USER_ID = re.compile(r"[-a-zA-Z0-9_=@,.;]+\Z")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a channel's prefix decides."""

    private: bool = False
    """Only with a signature; presence, encrypted and some cache channels are private too."""
    presence: bool = False
    encrypted: bool = False
    cache: bool = False
    user: bool = False
    """A signed-in user's own channel."""

    @property
    def label(self) -> str:
        """The kind's name in metrics: one of six."""
        for name in ("user", "presence", "encrypted", "cache", "private"):
            if getattr(self, name):
                return name
        return "public"


PUBLIC = Kind()
# The order matters: the longer prefix comes before the one that it begins with.
_KINDS = (
    ("private-encrypted-cache-", Kind(private=True, encrypted=True, cache=True)),
    ("private-encrypted-", Kind(private=True, encrypted=True)),
    ("private-cache-", Kind(private=True, cache=True)),
    ("private-", Kind(private=True)),
    ("presence-cache-", Kind(private=True, presence=True, cache=True)),
    ("presence-", Kind(private=True, presence=True)),
    ("cache-", Kind(cache=True)),
)
_USER = Kind(private=True, user=True)


@lru_cache(maxsize=16384)
def parse_channel(name: str, *, max_length: int = 164) -> Kind:
    """Return the kind of the channel called `name`.

    :raises InvalidChannel: if it has characters that no channel may have, or more than `max_length`.
    """
    if len(name) > max_length:
        raise InvalidChannel(f"Invalid channel name: {len(name)} characters, at most {max_length} are allowed")
    if name.startswith(USER_PREFIX) and _USER_ID.match(name, len(USER_PREFIX)):
        return _USER
    if not _CHANNEL.fullmatch(name):
        raise InvalidChannel(
            f"Invalid channel name '{name[:200]}': only letters, digits and _ - = @ , . ; are allowed, at least one"
        )
    for prefix, kind in _KINDS:
        if name.startswith(prefix):
            return kind
    return PUBLIC


def user_channel(user_id: str) -> str:
    """Return the name of the channel on which the server reaches a signed-in user."""
    return USER_PREFIX + user_id


def is_valid_user_id(user_id: str, *, max_length: int) -> bool:
    """Tell whether somebody may sign in as `user_id`."""
    return 0 < len(user_id) <= max_length and _USER_ID.match(user_id) is not None
