"""What a node knows of the applications in its store. Sans-I/O: told of answers, it says what has changed.

    nobody asked ──by_key──▶ MISSING ──learn──▶ KNOWN ──(absent from two refreshes)──▶ forgotten
                                │                 │
                                │                 └──(not asked for in a lifetime, nor in use)──▶ forgotten
                                └──learn──▶ UNKNOWN ──(its lifetime, or a change of the store)──▶ forgotten

What is known is read again every few seconds, all in one question, and stays known while the store is away. So a known
application is never waited for; and what can fill up memory is only what is unknown, which has a bound.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from server.apps.app import App
    from server.apps.store import Stored


class Gap(Enum):
    """Why there is no application for a key."""

    MISSING = "missing"
    """Nobody knows here: ask the store."""
    UNKNOWN = "unknown"
    """The store has none."""
    UNUSABLE = "unusable"
    """The store has one, but there is a mistake in it."""


class _Entry:
    """One application that the store has."""

    __slots__ = ("absences", "app", "is_asked_for")

    def __init__(self, app: App) -> None:
        self.app = app
        # Whether somebody asked for it since unused ones were last forgotten.
        self.is_asked_for = True
        # Refreshes in a row that did not find it.
        self.absences = 0


class Cache:
    """Applications by key and by id, and keys that nobody has.

    :param unknown_lifetime: seconds for which a key stays unknown.
    :param max_unknown: such keys; above it the oldest is forgotten.
    """

    def __init__(self, *, unknown_lifetime: float, max_unknown: int) -> None:
        self._unknown_lifetime = unknown_lifetime
        self._max_unknown = max_unknown
        # Invariant: both have the same entries.
        self._by_key: dict[str, _Entry] = {}
        self._by_id: dict[str, _Entry] = {}
        # Keys without an application, the oldest first: until when, and why.
        self._gaps: dict[str, tuple[float, Gap]] = {}
        # Counts the changes of the store after which nothing is unknown any more.
        self.era = 0

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def ids(self) -> list[str]:
        return list(self._by_id)

    @property
    def has_absent(self) -> bool:
        """Whether the last refresh missed one: to be looked at again soon."""
        return any(entry.absences for entry in self._by_id.values())

    def by_id(self, id: str) -> App | None:  # noqa: A002 - the protocol's word
        entry = self._by_id.get(id)
        return None if entry is None else entry.app

    def by_key(self, key: str, *, now: float) -> App | Gap:
        """Return what is known of a key."""
        entry = self._by_key.get(key)
        if entry is not None:
            entry.is_asked_for = True
            return entry.app
        gap = self._gaps.get(key)
        if gap is None:
            return Gap.MISSING
        until, why = gap
        if now < until:
            return why
        del self._gaps[key]
        return Gap.MISSING

    # What the store has answered

    def learn(self, stored: Stored, keys: Iterable[str], *, now: float, is_outdated: bool = False) -> bool:
        """Take in the answer to a question for some keys; tell whether a known application is another now.

        :param is_outdated: whether it was asked in another era. Then it doesn't tell what the store has not.
        """
        changed = [self._put(app) for app in stored.apps]
        unusable = {item.key for item in stored.unusable}
        for key in keys:
            if key in self._by_key:
                continue
            if key in unusable:
                self._note(key, Gap.UNUSABLE, now + self._unknown_lifetime)
            elif not is_outdated:
                self._note(key, Gap.UNKNOWN, now + self._unknown_lifetime)
        return any(changed)

    def learn_one(self, app: App) -> bool:
        """Take in one application that was asked for by its id."""
        return self._put(app)

    def refresh(self, stored: Stored, ids: Collection[str]) -> bool:
        """Take in how some known applications stand now; tell whether any of them has changed.

        One that can't be used stays as it was. One that is missing goes when it is missing once more: somebody may be
        replacing the table.
        """
        changed = [self._put(app) for app in stored.apps]
        present = {app.id for app in stored.apps} | {item.id for item in stored.unusable}
        for id in ids:  # noqa: A001 - the protocol's word
            entry = self._by_id.get(id)
            if entry is None:
                continue
            entry.absences = 0 if id in present else entry.absences + 1
            if entry.absences > 1:
                self._drop(entry)
                changed.append(True)
        return any(changed)

    def forget_unknown(self) -> None:
        """Ask for every unknown key anew: the store has changed, and another era begins."""
        self._gaps.clear()
        self.era += 1

    def forget_unused(self, is_in_use: Callable[[str], bool]) -> None:
        """Forget the applications that nobody has asked for since the last time; to be called once a lifetime."""
        for id, entry in list(self._by_id.items()):  # noqa: A001 - the protocol's word
            if not entry.is_asked_for and not is_in_use(id):
                self._drop(entry)
            entry.is_asked_for = False

    def _put(self, app: App) -> bool:
        """Know an application from now on; tell whether it was known, and otherwise."""
        entry = self._by_id.get(app.id)
        if entry is not None and entry.app == app:
            # The object stays the same, by which open connections tell that nothing has changed.
            entry.absences = 0
            return False
        is_news = entry is not None
        if entry is not None:
            self._drop(entry)
        namesake = self._by_key.get(app.key)
        if namesake is not None:
            # A key that has moved: the last to be read has it.
            self._drop(namesake)
            is_news = True
        self._by_id[app.id] = self._by_key[app.key] = _Entry(app)
        self._gaps.pop(app.key, None)
        return is_news

    def _drop(self, entry: _Entry) -> None:
        del self._by_id[entry.app.id]
        del self._by_key[entry.app.key]

    def _note(self, key: str, why: Gap, until: float) -> None:
        self._gaps.pop(key, None)
        while len(self._gaps) >= self._max_unknown:
            del self._gaps[next(iter(self._gaps))]
        self._gaps[key] = until, why
