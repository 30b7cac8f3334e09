"""The members of a presence channel, as a node knows them, and their text for whoever joins.

Each member's part of the text is encoded once, when it comes; a join appends to the text and a confirmation copies
it. So a join doesn't cost an encoding of everybody who is there already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.protocol.strict_json import encode

if TYPE_CHECKING:
    from collections.abc import Mapping


def _escape(text: bytes) -> bytes:
    """Prepare JSON for a place inside a JSON string."""
    return encode(text.decode())[1:-1]


class Roster:
    """Members and their infos: the JSON of an object each, or empty for none."""

    __slots__ = ("_hash", "_ids", "_parts", "version")

    def __init__(self, members: Mapping[str, bytes], version: int) -> None:
        # The position of the last change.
        self.version = version
        # Invariant: the keys are the members; each with its parts of "ids" and of "hash".
        self._parts: dict[str, tuple[bytes, bytes]] = {}
        # Invariant: both None (to be joined anew from _parts), or the joined texts of all members.
        self._ids: bytearray | None = bytearray()
        self._hash: bytearray | None = bytearray()
        for user_id, info in members.items():
            self.add(user_id, info, version)

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._parts

    def __len__(self) -> int:
        return len(self._parts)

    def add(self, user_id: str, info: bytes, version: int) -> bool:
        """Add a member; tell whether it is new."""
        self.version = version
        if user_id in self._parts:
            return False
        name = _escape(encode(user_id))
        entry = name + b":" + _escape(info or b"null")
        self._parts[user_id] = name, entry
        if self._ids is not None and self._hash is not None:
            separator = b"," if self._ids else b""
            self._ids += separator + name
            self._hash += separator + entry
        return True

    def remove(self, user_id: str, version: int) -> bool:
        """Remove a member; tell whether it was one."""
        self.version = version
        self._ids = self._hash = None
        return self._parts.pop(user_id, None) is not None

    def change(self, position: int, user_id: str, info: bytes | None) -> bool:
        """Add a member, or remove it if `info` is None; tell whether that, at its position, is news."""
        if position <= self.version:
            return False
        return self.remove(user_id, position) if info is None else self.add(user_id, info, position)

    def has_exactly(self, members: Roster | Mapping[str, bytes]) -> bool:
        """Tell whether these are the members."""
        return self._parts.keys() == (members._parts.keys() if isinstance(members, Roster) else members.keys())

    def move_to(self, members: Mapping[str, bytes], version: int) -> list[tuple[str, bytes | None]]:
        """Have these members instead; return who has gone, without an info, and who has come, with it."""
        gone = [user_id for user_id in self._parts if user_id not in members]
        come = [(user_id, info) for user_id, info in members.items() if user_id not in self._parts]
        for user_id in gone:
            self.remove(user_id, version)
        for user_id, info in come:
            self.add(user_id, info, version)
        self.version = version
        return [*((user_id, None) for user_id in gone), *come]

    def text(self) -> bytes:
        """Return the roster as ``subscription_succeeded`` has it: escaped for a place inside a JSON string."""
        if self._ids is None or self._hash is None:
            self._ids = bytearray(b",".join(name for name, _ in self._parts.values()))
            self._hash = bytearray(b",".join(entry for _, entry in self._parts.values()))
        count = b"%d" % len(self._parts)
        return b"".join((b'{\\"count\\":', count, b',\\"ids\\":[', self._ids, b'],\\"hash\\":{', self._hash, b"}}"))
