"""One connection of a broken server: each kind of fault is a function of the frames on their way to the client."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from tests.roll.faults.frames import FrameCutter, close_code, close_frame

if TYPE_CHECKING:
    from collections.abc import Callable

UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_EVENT = b'"news"'
_REMOVED = b"member_removed"
_FAILING_ANSWER = 20
_ROSTER = b'"presence\\"'


def _closes_for_ever(frame: bytes) -> list[bytes]:
    return [close_frame(4009)] if close_code(frame) == 4200 else [frame]


def _closes_for_a_second(frame: bytes) -> list[bytes]:
    return [close_frame(4100)] if close_code(frame) == 4200 else [frame]


def _loses_events(frame: bytes) -> list[bytes]:
    return [] if _EVENT in frame and _number_ends_in(frame, b"3") else [frame]


def _doubles_events(frame: bytes) -> list[bytes]:
    return [frame, frame] if _EVENT in frame else [frame]


def _lists_ghosts(frame: bytes) -> list[bytes]:
    """Put somebody who isn't there in the place of each light user: the lengths are the same."""
    return [frame.replace(b"light-user-", b"ghost-user-")] if _ROSTER in frame else [frame]


def _turns_away(frame: bytes) -> list[bytes]:
    return [close_frame(4100)] if b"pusher:connection_established" in frame else [frame]


def _number_ends_in(frame: bytes, digit: bytes) -> bool:
    return frame.rstrip(b'"}')[-1:] == digit


FAULTS: tuple[Callable[[bytes], list[bytes]], ...] = (
    _closes_for_ever,
    _closes_for_a_second,
    _loses_events,
    _doubles_events,
    _lists_ghosts,
    _turns_away,
)
"""Those without a memory. See :class:`Tampering` for the others."""


class Plot:
    """What all connections of a broken front share."""

    def __init__(self) -> None:
        # Whether anything happens at all.
        self.is_armed = False
        self.connections = count()
        # Responses to HTTP requests.
        self.answers = count(1)


class Tampering:
    """What happens to one connection; those that follow each other have different faults."""

    def __init__(self, plot: Plot) -> None:
        self._plot = plot
        self._number = next(plot.connections)
        self._is_new = plot.is_armed
        self._cutter = FrameCutter()
        self._is_websocket = False
        self._passed_head = False
        # An event that is let pass after the next one.
        self._held: bytes | None = None

    def up(self, data: bytes) -> bytes:
        self._is_websocket = self._is_websocket or data.startswith(b"GET /app/")
        return data

    def down(self, data: bytes) -> bytes:
        if not self._is_websocket:
            return self._answer(data)
        frames = self._cutter.feed(data)
        if self._is_new and self._is_chosen(len(FAULTS)):
            return self._refuse()
        return self._head() + b"".join(self._pass(frame) for frame in frames)

    def _answer(self, data: bytes) -> bytes:
        """Let a publish fail now and then, although the node has accepted it."""
        is_failure = self._plot.is_armed and next(self._plot.answers) % _FAILING_ANSWER == 0
        return data.replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 503 NO", 1) if is_failure else data

    def _refuse(self) -> bytes:
        is_first, self._passed_head = not self._passed_head, True
        return UNAVAILABLE if is_first else b""

    def _head(self) -> bytes:
        is_due = self._cutter.head and not self._passed_head
        self._passed_head = self._passed_head or bool(is_due)
        return self._cutter.head if is_due else b""

    def _pass(self, frame: bytes) -> bytes:
        if not self._plot.is_armed:
            return frame
        if _REMOVED in frame:
            # On all connections, since only few of them have members that stay away.
            return frame + frame
        if self._is_chosen(len(FAULTS) + 1):
            return self._swap(frame)
        for place, fault in enumerate(FAULTS):
            if self._is_chosen(place) and (self._is_new or fault is not _turns_away):
                return b"".join(fault(frame))
        return frame

    def _swap(self, frame: bytes) -> bytes:
        """Exchange two events that follow each other."""
        if _EVENT not in frame:
            return frame
        if self._held is None:
            self._held = frame
            return b""
        earlier, self._held = self._held, None
        return frame + earlier

    def _is_chosen(self, place: int) -> bool:
        return self._number % (len(FAULTS) + 3) == place
