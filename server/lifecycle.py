"""The states of a node between its start and its exit.

    STARTING ──started──▶ READY ──told to stop──▶ SETTLING ──settled──▶ DRAINING ──empty──▶ FLUSHING ──done──▶ STOPPED
        └──────────────────────────told to stop──────────────────────────────────────────▲

SETTLING is for load balancers, which learn late that a node is leaving: it goes on as before. Told to stop a second
time, a node hurries.
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    STARTING = "starting"
    READY = "ready"
    SETTLING = "settling"
    DRAINING = "draining"
    FLUSHING = "flushing"
    STOPPED = "stopped"


_NEXT: dict[State, tuple[State, ...]] = {
    State.STARTING: (State.READY, State.FLUSHING),
    State.READY: (State.SETTLING,),
    State.SETTLING: (State.DRAINING,),
    State.DRAINING: (State.FLUSHING,),
    State.FLUSHING: (State.STOPPED,),
    State.STOPPED: (),
}


class Lifecycle:
    """Where a node is in its life."""

    def __init__(self) -> None:
        self.state = State.STARTING

    @property
    def is_ready(self) -> bool:
        """Whether load balancers should send clients here."""
        return self.state is State.READY

    @property
    def is_leaving(self) -> bool:
        return self.state not in (State.STARTING, State.READY)

    @property
    def turns_away(self) -> bool:
        """Whether new WebSockets are told to come back elsewhere."""
        return self.state in (State.DRAINING, State.FLUSHING, State.STOPPED)

    def advance(self, state: State) -> None:
        """Go on to a state that may follow the present one."""
        assert state in _NEXT[self.state], f"{state} can't follow {self.state}"
        self.state = state
