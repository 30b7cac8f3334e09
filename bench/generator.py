"""The load generator (load/*.c): a process that is told what to do, one command at a time."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.errors import BenchError
from bench.machine import pinned_to
from bench.process import Process
from bench.signing import APP_KEY


@dataclass(frozen=True, slots=True)
class Published:
    """What became of the events of one run."""

    accepted: int
    refused: int
    delivered: int
    seconds: float  # until the last delivery
    frame_bytes: int  # size of one delivery on the wire
    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class Talked:
    """What became of the client events of one run."""

    sent: int
    delivered: int
    seconds: float


class Generator:
    """Clients and publishers towards one server; every method waits until all is done."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = Process(process.pid)
        self._pipes = process
        self._folder = folder  # where commands find the texts that clients are to say

    def open(self, count: int, *, window: int = 64, channel: str = "-", spread: int = 1) -> float:
        """Open clients, `window` at a time, each subscribed to one of `spread` channels; return the seconds taken."""
        return self._settled(count, f"open {count} {window} {channel} {spread}")

    def socket_ids(self) -> list[str]:
        """Return the socket id of every client, in the order in which they were opened."""
        path = self._folder / "ids"
        self._command(f"ids {path}")
        return path.read_text().split()

    def subscribe(self, messages: Sequence[str], *, first: int = 0, window: int = 64) -> float:
        """Have the clients from `first` on subscribe with these messages; return the seconds taken."""
        return self._settled(len(messages), f"subscribe {self._write(messages)} {first} {window}")

    def publish(
        self, requests: Sequence[str], *, publishers: int, rate: float, seconds: float, fanout: int
    ) -> Published:
        """Publish for some time, each event for `fanout` clients; without a rate (0), as fast as the answers come."""
        path = self._write(requests)
        answer = self._command(f"publish {path} {publishers} {rate} {seconds} {fanout}")
        _refuse_losses(answer, expected=answer["accepted"] * fanout)
        return Published(**{name: answer[name] for name in Published.__slots__})

    def talk(self, messages: Sequence[str], *, members: int, window: int, seconds: float) -> Talked:
        """Send client events; client i says message i, and each channel has `window` of them under way."""
        answer = self._command(f"talk {self._write(messages)} {members} {window} {seconds}")
        _refuse_losses(answer, expected=answer["sent"] * (members - 1))
        return Talked(**{name: answer[name] for name in Talked.__slots__})

    def _settled(self, count: int, command: str) -> float:
        answer = self._command(command)
        if answer["dead"] or answer["errors"] or answer["settled"] != count:
            raise BenchError(f"not every client came through: {answer}")
        return float(answer["seconds"])

    def _write(self, texts: Sequence[str]) -> Path:
        path = self._folder / "texts"
        path.write_text("".join(f"{text}\0" for text in texts), newline="")
        return path

    def _command(self, command: str) -> dict[str, Any]:
        assert self._pipes.stdin is not None, "started with pipes"
        assert self._pipes.stdout is not None, "started with pipes"
        with suppress(BrokenPipeError):  # it has ended: so will its output
            self._pipes.stdin.write(f"{command}\n")
            self._pipes.stdin.flush()
        line = self._pipes.stdout.readline()
        if not line:
            raise BenchError("the load generator ended; its reason is above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _refuse_losses(answer: dict[str, Any], *, expected: int) -> None:
    """A server that loses events, or drops who should get them, has no speed worth printing."""
    if not answer["sent"] or answer["delivered"] != expected or answer["dead"] or answer.get("refused"):
        raise BenchError(f"{expected} deliveries were due: {answer}")


@contextmanager
def running_generator(program: Path, port: int, *, core: int) -> Iterator[Generator]:
    """Start the load generator on its core; at the end all its connections are reset."""
    command = [str(program), "127.0.0.1", str(port), APP_KEY]
    with TemporaryDirectory(prefix="shoal-bench-") as folder:
        with pinned_to(core):
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            yield Generator(process, Path(folder))
        finally:
            process.communicate()  # closes its input, which ends it
