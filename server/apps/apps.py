"""The applications that a node serves, by id and by key."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from server.apps.app import App


def check_unique(apps: Sequence[App]) -> None:
    """:raises ValueError: if two applications have the same id, or the same key."""
    for what, times in (("id", Counter(app.id for app in apps)), ("key", Counter(app.key for app in apps))):
        for value, count in times.items():
            if count > 1:
                raise ValueError(f"{count} applications have the {what} {value!r}: each must be unique")


class Apps:
    """The applications by id and by key; replaced as a whole when the configuration is read again."""

    __slots__ = ("_by_id", "_by_key")

    def __init__(self, apps: Sequence[App]) -> None:
        self.replace(apps)

    def replace(self, apps: Sequence[App]) -> None:
        """Serve these instead.

        :raises ValueError: if an id or a key isn't unique; then nothing changed.
        """
        check_unique(apps)
        self._by_id = {app.id: app for app in apps}
        self._by_key = {app.key: app for app in apps}

    @property
    def has_all(self) -> bool:
        return True

    def by_id(self, id: str) -> App | None:  # noqa: A002 - the protocol's word
        """Return the application that an API request's path names."""
        return self._by_id.get(id)

    def by_key(self, key: str) -> App | None:
        """Return the application that a client or a request's signature names."""
        return self._by_key.get(key)

    async def fetch(self, id: str) -> App | None:  # noqa: A002
        """Return the same as :meth:`by_id`, for those who must be ready to wait."""
        return self._by_id.get(id)

    def __iter__(self) -> Iterator[App]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)
