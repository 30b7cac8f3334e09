"""How large a run is, and what the nodes are set to in it. All durations are seconds."""

from __future__ import annotations

from dataclasses import dataclass

_MARGIN = 2.0
_FLUSHING = 18.0
"""What a node takes at most beside settling and draining."""


@dataclass(frozen=True, slots=True)
class Size:
    """One run."""

    nodes: int
    real: int
    """Clients that are pusher-js."""
    light: int
    """Clients that aren't."""
    leavers: int
    """More of these, that don't come back."""
    visitors: int
    """More of these, that come and go."""
    arrivals: float
    """Clients that begin in a second, before it counts."""
    events: float
    """Published in a second."""
    pace: float
    """Connections that a leaving node closes in a second."""
    settle: float
    delist_after: float
    """From SIGTERM until the balancer learns of it."""
    drain_max: float
    hold_leaving: float
    """For which the place is kept of a client that was closed with 4200."""
    ghosts_after: float
    """From the last exit, or crash, until nobody may be a member who isn't connected."""
    patience: float
    """By which times may be longer than is promised: a machine that stands still for a while is no node's fault."""

    @property
    def grace(self) -> float:
        """From SIGTERM to SIGKILL."""
        return self.settle + self.drain_max + _FLUSHING

    @property
    def undelayed(self) -> float:
        """From SIGTERM to exit where all clients take part in their close, on a busy machine."""
        residents = self.real + self.light + self.leavers + self.visitors
        return self.settle + max(1.0, residents / self.nodes / self.pace) + _MARGIN

    def settings(self) -> dict[str, str]:
        """Return the variables of the nodes."""
        values = {
            "SETTLE": self.settle,
            "DRAIN_RATE": self.pace,
            "DRAIN_MAX": self.drain_max,
            "GRACE": self.grace,
            "HOLD_LEAVING": self.hold_leaving,
        }
        return {f"SHOAL_{name}": f"{value:g}" for name, value in values.items()}


FULL = Size(
    nodes=3,
    real=150,
    light=1_500,
    leavers=20,
    visitors=12,
    arrivals=150.0,
    events=50.0,
    # Of three nodes at once, 120 a second: two cores can play as many clients that come back.
    pace=40.0,
    settle=3.0,
    delist_after=2.0,
    drain_max=40.0,
    hold_leaving=30.0,
    ghosts_after=35.0,
    patience=0.0,
)
"""What is promised: a few minutes on two cores."""

SHORT = Size(
    nodes=2,
    real=24,
    light=120,
    leavers=6,
    visitors=4,
    arrivals=80.0,
    events=50.0,
    pace=40.0,
    settle=1.5,
    delist_after=0.4,
    drain_max=20.0,
    hold_leaving=3.0,
    ghosts_after=11.0,
    patience=4.0,
)
"""The same in short, for every commit: what is counted must be as promised, what takes time may take longer."""
