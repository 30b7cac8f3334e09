"""Real databases for tests: PostgreSQL and MariaDB from the system's packages, each in a folder and with its port.

Neither runs as root, so where the tests do, the servers run as the users that their packages have made. Where the
packages are missing, but a Docker engine answers, they come out of containers.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import docker.errors
import pytest
from testcontainers.community.mysql import MySqlContainer
from testcontainers.community.postgres import PostgresContainer

from tests.adapter.redis.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from testcontainers.core.generic import DbContainer

START_TIMEOUT = 60.0
_READY = re.compile("ready (to accept|for) connections")
"""What both say once they have recovered what they had not written before; they let connections in earlier."""


def program(name: str, *folders: str) -> str | None:
    """Return the path of a database's program; Debian has PostgreSQL's where no PATH finds them."""
    found = [str(path) for pattern in folders for path in sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)]
    return next((path for path in (f"{folder}/{name}" for folder in found) if Path(path).exists()), shutil.which(name))


@dataclass
class Database:
    """A server process with one empty database, which a test may stop and start again."""

    url: str
    """As an operator would write it."""
    command: Sequence[str]
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            began = log.tell()
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, cwd=self.folder)
        deadline = time.monotonic() + START_TIMEOUT
        while not (_READY.search(self._log()[began:]) and self._answers()):
            assert self.process.poll() is None, f"ended with {self.process.returncode}\n{self._log()[-2000:]}"
            assert time.monotonic() < deadline, f"doesn't answer\n{self._log()[-2000:]}"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it without warning; what it had written is there when it starts again."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def signal(self, number: signal.Signals) -> None:
        """Stop all its processes as a hanging machine would, or let them go on."""
        assert self.process is not None
        for pid in _descendants(self.process.pid):
            os.kill(pid, number)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0):
                return True
        except OSError:
            return False

    def _log(self) -> str:
        return (self.folder / "log").read_text(encoding="latin-1")


def _descendants(pid: int) -> list[int]:
    """Return a process and all that it has started."""
    found = [pid]
    for parent in found:
        found += [child for child, its_parent in _processes() if its_parent == parent]
    return found


def _processes() -> Iterator[tuple[int, int]]:
    """Yield each process there is, with its parent."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # "pid (name) state parent ...", where the name may hold anything.
            yield int(path.parent.name), int(path.read_text().rpartition(")")[2].split()[1])


def _as_user(user: str) -> list[str]:
    """Return what a command begins with that must not run as root."""
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if os.getuid() == 0 else []


@contextmanager
def _folder(user: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="shoal-sql-"))
    try:
        if os.getuid() == 0:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@contextmanager
def postgresql() -> Iterator[Database]:
    """Run a PostgreSQL."""
    initdb, postgres = (program(name, "/usr/lib/postgresql/*/bin") for name in ("initdb", "postgres"))
    if initdb is None or postgres is None:
        with _container("PostgreSQL") as database:
            yield database
        return
    with _folder("postgres") as folder:
        data, user = str(folder / "data"), _as_user("postgres")
        (folder / "password").write_text("hush")
        _run(
            [
                *user,
                initdb,
                "--no-sync",
                "--locale=C",
                "--encoding=UTF8",
                "-D",
                data,
                "-U",
                "shoal",
                "--pwfile",
                str(folder / "password"),
                "--auth=scram-sha-256",
            ],
            folder,
        )
        port = free_port()
        options = ["-c", "fsync=off", "-c", f"unix_socket_directories={folder}", "-c", "listen_addresses=127.0.0.1"]
        command = [*user, postgres, "-D", data, "-p", str(port), *options]
        database = Database(f"postgresql://shoal:hush@127.0.0.1:{port}/postgres", command, folder, port)
        yield from _running(database)


@contextmanager
def mariadb() -> Iterator[Database]:
    """Run a MariaDB."""
    install, server = program("mariadb-install-db"), program("mariadbd", "/usr/sbin")
    if install is None or server is None:
        with _container("MariaDB") as database:
            yield database
        return
    with _folder("mysql") as folder:
        data, user, port = str(folder / "data"), _as_user("mysql"), free_port()
        _run(
            [
                *user,
                install,
                "--no-defaults",
                f"--datadir={data}",
                "--skip-test-db",
                "--auth-root-authentication-method=normal",
            ],
            folder,
        )
        (folder / "init.sql").write_text(
            "CREATE DATABASE IF NOT EXISTS shoal;\n"
            "CREATE USER IF NOT EXISTS 'shoal'@'127.0.0.1' IDENTIFIED BY 'hush';\n"
            "GRANT ALL ON shoal.* TO 'shoal'@'127.0.0.1';\n"
        )
        options = [f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder}/socket"]
        options += [f"--pid-file={folder}/pid", f"--init-file={folder}/init.sql", "--skip-name-resolve"]
        options += ["--innodb-buffer-pool-size=16M"]
        command = [*user, server, "--no-defaults", *options]
        database = Database(f"mysql://shoal:hush@127.0.0.1:{port}/shoal", command, folder, port)
        yield from _running(database)


def _running(database: Database) -> Iterator[Database]:
    try:
        database.start()
        yield database
    finally:
        database.kill()


@contextmanager
def _container(kind: str) -> Iterator[Database]:
    """Run it in a container; where there is no engine either, say what is missing."""
    try:
        docker.from_env().ping()
    except docker.errors.DockerException as exc:
        missing = f"neither the server of {kind} (Debian: postgresql, mariadb-server) nor a Docker engine: {exc}"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    port = free_port()
    container: DbContainer
    if kind == "PostgreSQL":
        container = PostgresContainer("postgres:17", username="shoal", password="hush", dbname="shoal", driver=None)
        url = f"postgresql://shoal:hush@127.0.0.1:{port}/shoal"
    else:
        container = MySqlContainer("mariadb:11", username="shoal", password="hush", dbname="shoal")
        url = f"mysql://shoal:hush@127.0.0.1:{port}/shoal"
    with container.with_bind_ports(container.port, port), _folder("root") as folder:
        yield _ContainedDatabase(url, (), folder, port, container)


@dataclass
class _ContainedDatabase(Database):
    """A server in a container; it runs already."""

    container: DbContainer

    def signal(self, number: signal.Signals) -> None:
        container = self.container.get_wrapped_container()
        (container.pause if number is signal.SIGSTOP else container.unpause)()

    def start(self) -> None:
        self.container.get_wrapped_container().start()

    def kill(self) -> None:
        self.container.get_wrapped_container().kill()
