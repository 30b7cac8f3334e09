"""The contract with whatever keeps applications: what a node may ask, and what the answers mean.

A store is asked for many at once, by one task of the node: never by a connection. What it knows nothing of is not in
its answer; that it can't tell is an exception. The two must never be taken for one another: a client whose application
is unknown is told to stay away, one whose application can't be looked up is told to come back.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from server.apps.app import App
    from server.apps.errors import BadRow


logger = logging.getLogger(__name__)

BATCH = 500
"""Applications that one question asks for: databases have bounds on the length of a list."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """What is stored of one application, but can't be used: somebody has to mend it there."""

    id: str
    key: str
    """As far as they can be read."""
    why: BadRow


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer: those of the applications asked for that there are."""

    apps: Sequence[App] = ()
    unusable: Sequence[Unusable] = field(default_factory=tuple)


def log_unusable(items: Iterable[Unusable]) -> None:
    """Name those that somebody has to mend."""
    for item in items:
        logger.error("application %r can't be used as it is stored: %s", item.id, item.why)


class Store(Protocol):
    """Keeps applications. Every method raises :exc:`StoreUnavailable` if it can't tell now."""

    async def find(self, keys: Collection[str]) -> Stored:
        """Return the applications with these keys, each of letters, digits, `-` and `_`."""

    async def fetch(self, ids: Collection[str]) -> Stored:
        """Return the applications with these ids."""

    async def version(self) -> str | None:
        """Return what is another text after each change, in one cheap question; None where only reading all tells."""

    async def close(self) -> None:
        """Let go of its connections."""


class EditableStore(Store, Protocol):
    """A store whose applications can be changed by ``shoal apps``."""

    async def list(self) -> Stored:
        """Return all applications."""

    async def add(self, app: App) -> None:
        """Add an application.

        :raises StoreError: if there is one with this id or key, or the store takes none.
        """

    async def set_enabled(self, id: str, *, enabled: bool) -> None:  # noqa: A002 - the field's words
        """Enable or disable an application.

        :raises StoreError: if there is none with this id; so do those below.
        """

    async def set_secrets(self, id: str, secret: str, second: str | None) -> None:  # noqa: A002
        """Give an application other secrets."""

    async def remove(self, id: str) -> None:  # noqa: A002
        """Delete an application."""
