"""The states of a node between its start and its exit. Sans-I/O.

    STARTING ──started──▶ READY ──told to leave──▶ SETTLING ──settled──▶ DRAINING ──empty, and told to exit──▶ FLUSHING
       │                                                                                                          │
       └────────────────────────────told to exit──────────────────────────────▶ STOPPED ◀───────────done──────────┘

SETTLING is for load balancers, which learn late that a node is leaving: it goes on as before. A node that was told to
drain, but not to exit, stays DRAINING when it is empty. Told to exit a second time, it hurries. What is done in each
state, and for how long, is in :mod:`server.leaving.course`.
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


_NEXT = {
    State.STARTING: (State.READY, State.STOPPED),
    State.READY: (State.SETTLING,),
    State.SETTLING: (State.DRAINING,),
    State.DRAINING: (State.FLUSHING,),
    State.FLUSHING: (State.STOPPED,),
    State.STOPPED: (),
}


class Lifecycle:
    """Where a node is in its life, and what it was told."""

    def __init__(self) -> None:
        self.state = State.STARTING
        # Invariant: told to exit implies told to leave; hurrying implies told to exit.
        self.is_told_to_leave = False
        self.is_told_to_exit = False
        self.is_hurrying = False

    @property
    def is_ready(self) -> bool:
        """Whether load balancers should send clients here."""
        return self.state is State.READY and not self.is_told_to_leave

    @property
    def turns_away(self) -> bool:
        """Whether new WebSockets are told to come back elsewhere."""
        return self.state in (State.DRAINING, State.FLUSHING, State.STOPPED)

    def drain(self) -> None:
        """Be told to let go of all clients, and stay."""
        self.is_told_to_leave = True

    def exit(self) -> None:
        """Be told to let go of all clients and exit; the second time, to be quick about it."""
        self.is_hurrying = self.is_told_to_exit
        self.is_told_to_exit = self.is_told_to_leave = True

    def advance(self, state: State) -> None:
        """Go on to a state that may follow the present one."""
        assert state in _NEXT[self.state], f"{state} can't follow {self.state}"
        self.state = state
