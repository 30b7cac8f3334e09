"""The machine that the numbers belong to, and which of its cores does what."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of the server, and that of the load: they must not be in each other's way."""

    server: int
    load: int

    @property
    def are_shared(self) -> bool:
        """Tell whether this machine has only one core for both, which spoils every number."""
        return self.server == self.load


def choose_cores() -> Cores:
    """Take the first core we may use for the server and the next one for the load."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(server=usable[0], load=usable[1] if len(usable) > 1 else usable[0])


@contextmanager
def pinned_to(core: int) -> Iterator[None]:
    """Run on one core, and with us whatever is started meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def describe_machine() -> str:
    """Say in one line what the numbers were measured on."""
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {cores} cores, Linux {platform.release()}, Python {platform.python_version()}, "
        f"load average {load:.2f} at the start"
    )
