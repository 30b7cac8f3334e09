"""A connection without a socket: it shows what was written to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests import frames
from tests.server.protocol.wire import data_of, read

if TYPE_CHECKING:
    from server.metrics import AppCounters
    from server.protocol.codes import Close
    from server.protocol.session import Session


@dataclass(frozen=True)
class Told:
    """One message as a client reads it."""

    payload: bytes

    @property
    def event(self) -> str:
        return str(read(self.payload)["event"])

    @property
    def channel(self) -> str | None:
        return read(self.payload).get("channel")

    @property
    def data(self) -> Any:
        """What the data says; of an error, which has no string there, the data itself."""
        return read(self.payload)["data"] if self.event == "pusher:error" else data_of(self.payload)


class FakeClient:
    """Fulfils :class:`server.hub.client.Client`."""

    def __init__(self, session: Session, counters: AppCounters) -> None:
        self.session = session
        self.counters = counters
        self.unsent = 0
        # What the peer's system has taken so far.
        self.taken: int | None = None
        # Set when the limit is changed.
        self.max_message_bytes = session.app.max_frame_bytes
        # How it was ended, and what else was done to it.
        self.closed: Close | None = None
        self.probes = 0
        self.was_hung_up = False
        self.was_aborted = False
        self._written = bytearray()

    def write(self, data: bytes) -> None:
        assert self.closed is None, "nothing may follow a close frame"
        self._written += data

    def limit(self, max_message_bytes: int) -> None:
        self.max_message_bytes = max_message_bytes

    def probe(self) -> None:
        assert self.closed is None, "nothing may follow a close frame"
        self.probes += 1

    def end(self, close: Close) -> None:
        assert self.closed is None, "a connection ends once"
        self.closed = close

    def hang_up(self) -> None:
        self.was_hung_up = True

    def abort(self) -> None:
        self.was_aborted = True

    def acknowledged(self) -> int | None:
        return self.taken

    def take(self) -> list[Told]:
        """Return what was written since the last time."""
        found, end = frames.split(self._written)
        assert end == len(self._written), "the last frame isn't whole"
        self._written.clear()
        return [Told(payload) for _, payload in found]
