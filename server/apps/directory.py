"""What the rest of a node asks about applications, wherever these are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from asyncio import Future

    from server.apps.app import App


class Directory(Protocol):
    """Finds applications. Nothing here blocks: what has to be asked for first is a future."""

    @property
    def has_all(self) -> bool:
        """Whether every application there is can be found at once, so that one which can't is none."""

    def by_key(self, key: str) -> App | Future[App | None] | None:
        """Return the application that a client or a request names; None if there is none.

        :returns: a future where that isn't known here; others wait for the same one, so it must not be cancelled.
        :raises StoreUnavailable: (the future) if nobody can tell just now; when the store has been waited for
            twice ``app_store_timeout`` at the latest.
        """

    def by_id(self, id: str) -> App | None:  # noqa: A002 - the protocol's word
        """Return an application that has open connections as it is now; None if there is no such one any more."""

    async def fetch(self, id: str) -> App | None:  # noqa: A002
        """Return an application that may have no connections here; None if there is none.

        :raises StoreUnavailable: if nobody can tell just now; if what is stored of it can't be used an
            :exc:`~server.apps.errors.AppUnusable`.
        """
