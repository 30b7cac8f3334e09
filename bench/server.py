"""The server under test: started on its own core, or one that runs already."""

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.errors import BenchError
from bench.machine import pinned_to
from bench.process import Process
from bench.signing import APP_ID, APP_KEY, APP_SECRET

# {port} stands for a free port.
OUR_COMMAND = (sys.executable, "-m", "server", "serve", "--port", "{port}", "--metrics-port", "0")
BARE_COMMAND = (sys.executable, "-m", "bench.bare", "{port}")
# The demo app with every feature on; only the limits are raised that the scenarios are meant to go beyond.
_APP = {
    "id": APP_ID,
    "key": APP_KEY,
    "secret": APP_SECRET,
    "client_events": True,
    "subscription_count": True,
    "watchlists": True,
    "max_client_events_per_second": 1_000_000,
    "max_presence_members": 10_000,
}
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_LOG_LINES = 4
_LOG_LINE_LENGTH = 400  # from the end, where a traceback has its reason


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers on a port of this machine."""

    port: int
    process: Process


@contextmanager
def running_server(
    command: tuple[str, ...],
    *,
    core: int,
    app: Mapping[str, object] | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Start a server on its core, wait until it answers, and end it afterwards.

    :param app: more of its application; :param settings: more of its environment.
    """
    port = _free_port()
    filled = [part.replace("{port}", str(port)) for part in command]
    environment = os.environ | {"SHOAL_APPS": json.dumps([_APP | dict(app or {})])} | dict(settings or {})
    with TemporaryDirectory(prefix="shoal-bench-") as folder, (Path(folder) / "log").open("w+") as log:
        with pinned_to(core):
            process = subprocess.Popen(filled, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait_until_answering(process, port, shlex.join(filled))
            yield Server(port, Process(process.pid))
        except BenchError as error:
            raise BenchError(f"{error}{_end_of(Path(log.name))}") from error
        finally:
            _end(process)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_until_answering(process: subprocess.Popen[bytes], port: int, command: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchError(f"{command} does not answer on port {port}")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return connection.recv(1) != b""
    except OSError:
        return False


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    return "".join(f"\n  log: {line[-_LOG_LINE_LENGTH:]}" for line in lines)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask, then insist: a server that still says good-bye to thousands of clients is of no interest any more."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
