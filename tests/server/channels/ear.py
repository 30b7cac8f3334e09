"""A subscriber that remembers what it is told."""

from __future__ import annotations

from tests import frames


class Ear:
    """Stands for a connection: takes bytes, shows messages."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        # Each write as it came: how often, not only what, is what a fan-out is about.
        self.writes: list[bytes] = []

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def write(self, data: bytes) -> None:
        assert data, "writing nothing costs a system call for nothing"
        self.writes.append(data)

    @property
    def heard(self) -> list[bytes]:
        """The messages, whatever writes they came in."""
        data = b"".join(self.writes)
        found, end = frames.split(data)
        assert end == len(data), "the last frame isn't whole"
        assert all(opcode == frames.TEXT for opcode, _ in found)
        return [payload for _, payload in found]

    def forget(self) -> None:
        self.writes.clear()
