"""One message to many subscribers, at the price of one system call each for all messages of a tick.

Messages are gathered as finished frames; a flush joins them once and hands the same bytes to every subscriber. Those
that one message is not meant for get a join of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Subscriber(Protocol):
    """Somebody to whom bytes can be written; that must not call back into the channel."""

    @property
    def write(self) -> Callable[[bytes], object]: ...


class Delivered:
    """What flushes have written, all subscribers added up."""

    __slots__ = ("bytes", "messages")

    def __init__(self) -> None:
        self.messages = 0
        self.bytes = 0


class Fanout:
    """The subscribers of one channel, and the frames on their way to them.

    Invariant: a frame goes to exactly those who were subscribers when it was gathered, less those left out; all see
    the frames in the order in which they were gathered.
    """

    __slots__ = ("_delivered", "_frames", "_left_out", "size", "subscribers")

    def __init__(self, delivered: Delivered) -> None:
        self._delivered = delivered
        self.subscribers: set[Subscriber] = set()
        # Bytes gathered so far.
        self.size = 0
        self._frames: list[bytes] = []
        # Which of _frames, by index, aren't for whom. None while all are for everybody.
        self._left_out: dict[Subscriber, set[int]] | None = None

    def gather(self, frame: bytes, *, left_out: Iterable[Subscriber] = ()) -> None:
        """Have `frame` sent with the next flush to all but those left out."""
        for subscriber in left_out:
            if self._left_out is None:
                self._left_out = {}
            self._left_out.setdefault(subscriber, set()).add(len(self._frames))
        self._frames.append(frame)
        self.size += len(frame)

    def tell(self, subscribers: Iterable[Subscriber], frame: bytes) -> None:
        """Write `frame` to some, behind what is gathered."""
        self.flush()
        for subscriber in subscribers:
            subscriber.write(frame)
            self._delivered.messages += 1
            self._delivered.bytes += len(frame)

    def add(self, subscriber: Subscriber) -> None:
        """Include somebody from the next frame on."""
        self.flush()
        self.subscribers.add(subscriber)

    def remove(self, subscriber: Subscriber) -> None:
        """Give somebody what is gathered, and nothing after that."""
        self.flush()
        self.subscribers.discard(subscriber)

    def flush(self) -> None:
        """Write what is gathered."""
        frames = self._frames
        if not frames:
            return
        joined = frames[0] if len(frames) == 1 else b"".join(frames)
        left_out = self._left_out
        self._frames, self._left_out, self.size = [], None, 0
        if left_out is not None:
            self._write_selectively(frames, joined, left_out)
            return
        for subscriber in self.subscribers:
            subscriber.write(joined)
        count = len(self.subscribers)
        self._delivered.messages += len(frames) * count
        self._delivered.bytes += len(joined) * count

    def _write_selectively(self, frames: list[bytes], joined: bytes, left_out: dict[Subscriber, set[int]]) -> None:
        for subscriber in self.subscribers:
            skipped = left_out.get(subscriber)
            data = joined
            if skipped is not None:
                data = b"".join([frame for index, frame in enumerate(frames) if index not in skipped])
                self._delivered.messages -= len(skipped)
            if data:
                subscriber.write(data)
            self._delivered.bytes += len(data)
        self._delivered.messages += len(frames) * len(self.subscribers)
