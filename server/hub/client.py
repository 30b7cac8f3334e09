"""What the hub needs of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.metrics import AppCounters
    from server.protocol.codes import Close
    from server.protocol.session import Session


class Client(Protocol):
    """One client's connection, established."""

    session: Session
    counters: AppCounters
    """Its application's, on this node."""

    @property
    def write(self) -> Callable[[bytes], object]:
        """Write finished WebSocket frames. Never blocks, never calls back into the hub."""

    @property
    def unsent(self) -> int:
        """The number of bytes that wait in this process."""

    def limit(self, max_message_bytes: int) -> None:
        """Change the limit on what the client may send in one message."""

    def probe(self) -> None:
        """Send a WebSocket ping."""

    def end(self, close: Close) -> None:
        """Write the error and the close frame; nothing is written after that."""

    def hang_up(self) -> None:
        """Close the transport once everything is written."""

    def abort(self) -> None:
        """Close the transport now, whatever was not written."""

    def acknowledged(self) -> int | None:
        """Return how many bytes the peer's system has taken so far; None where the system can't tell."""
