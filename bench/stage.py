"""What every scenario is given: a server, a load generator, the yardstick, and how long to take."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from bench.build import build
from bench.generator import Generator, running_generator
from bench.machine import Cores
from bench.meter import Meter
from bench.server import BARE_COMMAND, Server, running_server
from bench.slowness import measure_slowness
from bench.yardstick import KernelSend, measure_kernel_send


@dataclass(frozen=True, slots=True)
class Stage:
    """One server to be measured, on one machine."""

    command: tuple[str, ...]
    cores: Cores
    is_quick: bool
    attached: Server | None = None  # runs already; else each scenario starts a fresh one
    load_program: Path = field(default_factory=lambda: build("load"))
    kernel_program: Path = field(default_factory=lambda: build("kernel_send"))

    @property
    def rounds(self) -> int:
        """How often to repeat, for a median: the same run can differ by half on a machine that others use too."""
        return 3 if self.is_quick else 5

    @property
    def seconds(self) -> float:
        """How long one round takes."""
        return 1.0 if self.is_quick else 3.0

    @contextmanager
    def running(self) -> Iterator[tuple[Server, Generator]]:
        """Start the server and a generator towards it; both end afterwards."""
        with self._server() as server, running_generator(self.load_program, server.port, core=self.cores.load) as load:
            yield server, load

    @contextmanager
    def running_bare(self) -> Iterator[tuple[Server, Generator]]:
        """Start the HTTP stack with nothing behind it, in the server's place, and a generator towards it."""
        with (
            running_server(BARE_COMMAND, core=self.cores.server) as server,
            running_generator(self.load_program, server.port, core=self.cores.load) as load,
        ):
            yield server, load

    def meter(self, server: Server, load: Generator) -> Meter:
        """Start to measure the CPU of both sides."""
        return Meter(server.process, load.process, core=self.cores.server)

    def slowness(self) -> float:
        """Measure how much slower the server's core is, now, than where the absolute reaches were set."""
        return measure_slowness(self.cores.server)

    def kernel_send(self, frame_bytes: int, *, sockets: int = 1000) -> KernelSend:
        """Measure the yardstick, now; the server has to be idle meanwhile."""
        sends = 100_000 if self.is_quick else 300_000
        return measure_kernel_send(
            self.kernel_program, self.cores, sockets=sockets, frame_bytes=frame_bytes, sends=sends
        )

    def _server(self) -> AbstractContextManager[Server]:
        if self.attached is not None:
            return nullcontext(self.attached)
        return running_server(self.command, core=self.cores.server)
