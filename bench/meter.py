"""How much CPU the two sides needed while something was measured, and who else was in the way."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from bench.process import Process

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds that passed, and seconds of CPU that were used meanwhile."""

    wall: float
    server: float
    load: float
    others: float  # on the server's core, by anybody else: time that the server didn't have

    def us_per(self, count: int) -> float:
        """Return the server's CPU per thing done, in microseconds."""
        return self.server / count * 1e6

    def shares(self) -> dict[str, float]:
        """Return who was busy for how much of the time."""
        return {
            "server_busy_percent": 100 * self.server / self.wall,
            "load_busy_percent": 100 * self.load / self.wall,
            "others_on_its_core_percent": 100 * self.others / self.wall,
        }


class Meter:
    """Runs from its creation."""

    def __init__(self, server: Process, load: Process, *, core: int) -> None:
        self._server = server
        self._load = load
        self._core = core
        self._start = self._readings()

    def read(self) -> Usage:
        """Return what was used since the start."""
        wall, server, load, core = (now - before for now, before in zip(self._readings(), self._start, strict=True))
        return Usage(wall, server, load, max(0.0, core - server))

    def _readings(self) -> tuple[float, float, float, float]:
        return time.perf_counter(), self._server.cpu_seconds(), self._load.cpu_seconds(), _busy_seconds(self._core)


def _busy_seconds(core: int) -> float:
    """Return how long a core has been busy or withheld from this machine (stolen) since it was booted."""
    line = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith(f"cpu{core} "))
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = map(int, line.split()[1:9])
    return (user + nice + system + interrupts + soft_interrupts + stolen) / _TICKS_PER_SECOND
