"""One connection of a broken server: each fault is a function of a frame on its way to the client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count, cycle
from typing import TYPE_CHECKING, TypeAlias, cast

from tests.roll.faults.frames import FrameCutter, close_code, close_frame, text_frame, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Fault: TypeAlias = "Callable[[bytes], bytes]"
Malady: TypeAlias = "Fault | type[ExchangesEvents] | None"
"""A fault, or what makes one for each connection; None for a handshake that is answered with 503."""

_UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_EVENT = b'"news"'
_REMOVED = "pusher_internal:member_removed"
_ROSTER = b'"presence-room'
_FAILING_ANSWER = 20


def nothing(frame: bytes) -> bytes:
    return frame


def closes_for_ever(frame: bytes) -> bytes:
    return close_frame(4009) if close_code(frame) == 4200 else frame


def closes_for_a_second(frame: bytes) -> bytes:
    return close_frame(4100) if close_code(frame) == 4200 else frame


def turns_away(frame: bytes) -> bytes:
    return close_frame(4100) if b"pusher:connection_established" in frame else frame


def loses_events(frame: bytes) -> bytes:
    """Leave out every tenth."""
    return b"" if _EVENT in frame and json.loads(json.loads(text_of(frame))["data"])["number"] % 10 == 3 else frame


def doubles_events(frame: bytes) -> bytes:
    return frame + frame if _EVENT in frame else frame


def lies_about_members(frame: bytes) -> bytes:
    """Put somebody who isn't there in the place of each member, and say that one has gone who hasn't."""
    if b"subscription_succeeded" not in frame or _ROSTER not in frame:
        return frame
    message = json.loads(text_of(frame))
    user = json.loads(message["data"])["presence"]["ids"][0]
    gone = {"event": _REMOVED, "channel": message["channel"], "data": json.dumps({"user_id": user})}
    return frame.replace(b"-user-", b"-fake-") + text_frame(json.dumps(gone))


class ExchangesEvents:
    """Let each event pass after the one that follows it."""

    def __init__(self) -> None:
        self._held = b""

    def __call__(self, frame: bytes) -> bytes:
        if _EVENT not in frame:
            return frame
        if not self._held:
            self._held = frame
            return b""
        earlier, self._held = self._held, b""
        return frame + earlier


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes wrong. Of the connections the first suffers from the first fault, and so on, over and over."""

    old: Sequence[Malady] = (nothing,)
    """For connections that are there before anything happens."""
    new: Sequence[Malady] = (nothing,)
    """For those that come later."""
    fails_answers: bool = False
    """Whether a publish is answered with 503 now and then, although the node has accepted it."""
    repeats_removals: bool = False
    """Whether each removal of a member is told twice."""


EVERYTHING = Plan(
    old=(closes_for_ever, closes_for_a_second, loses_events, doubles_events, ExchangesEvents, nothing),
    new=(turns_away, None, turns_away, lies_about_members, nothing, lies_about_members),
    fails_answers=True,
    repeats_removals=True,
)


class Plot:
    """A plan, and what all connections of a broken front share."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        # Whether anything happens at all.
        self.is_armed = False
        # Connections that were there before it was armed, and later ones.
        self._old, self._new = cycle(plan.old), cycle(plan.new)
        # Responses to HTTP requests.
        self.answers = count(1)

    def next_fault(self) -> Fault | None:
        """Return what the next WebSocket suffers from; None if its handshake is answered with 503."""
        malady = next(self._new if self.is_armed else self._old)
        return ExchangesEvents() if malady is ExchangesEvents else cast("Fault | None", malady)


class Tampering:
    """What happens to one connection. Fulfils :class:`~tests.roll.balancer.relay.Passage`."""

    def __init__(self, plot: Plot) -> None:
        self._plot = plot
        self._fault: Fault | None = nothing
        self._cutter = FrameCutter()
        self._is_websocket = False
        self._has_answered = False

    def up(self, data: bytes) -> bytes:
        if data.startswith(b"GET /app/"):
            self._is_websocket = True
            self._fault = self._plot.next_fault()
        return data

    def down(self, data: bytes) -> bytes:
        if not self._is_websocket:
            return self._answer(data)
        frames = self._cutter.feed(data)
        return self._answer_handshake() + b"".join(map(self._pass, frames))

    def _answer(self, data: bytes) -> bytes:
        if not (self._plot.is_armed and self._plot.plan.fails_answers):
            return data
        is_failure = next(self._plot.answers) % _FAILING_ANSWER == 0
        return data.replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 503 NO", 1) if is_failure else data

    def _answer_handshake(self) -> bytes:
        """Return the answer to the handshake once, as soon as it is there."""
        if self._has_answered or not self._cutter.head:
            return b""
        self._has_answered = True
        return _UNAVAILABLE if self._fault is None else self._cutter.head

    def _pass(self, frame: bytes) -> bytes:
        if self._fault is None:
            return b""
        if not self._plot.is_armed:
            return frame
        # On all connections: only few of them have members that stay away.
        is_repeated = self._plot.plan.repeats_removals and _REMOVED.encode() in frame
        return self._fault(frame) * (2 if is_repeated else 1)
