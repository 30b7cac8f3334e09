"""A primary, its replica, and a Sentinel that watches over them: real processes."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

from tests.adapter.redis.servers import Server, free_port, valkey_binary

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "main"
DOWN_AFTER_MS = 1_000
_TIMEOUT = 20.0


class Watched:
    """Both servers are in step when it begins."""

    def __init__(self) -> None:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="shoal-sentinel-")))
            self.primary = self._server(folder / "primary", stack)
            of = ("--replicaof", f"127.0.0.1 {self.primary.port}", "--repl-diskless-sync-delay", "0")
            self.replica = self._server(folder / "replica", stack, *of)
            self._wait(lambda: "state=online" in self.primary.command("INFO", "replication"), "replica is in step")
            self.port = free_port()
            self._start_sentinel(folder, stack)
            self._wait(lambda: "slaves=1" in self._sentinel("INFO", "sentinel"), "Sentinel knows both")
            self._exit = stack.pop_all()

    @staticmethod
    def _server(folder: Path, stack: ExitStack, *options: str) -> Server:
        folder.mkdir()
        server = Server(valkey_binary(), folder, options)
        server.start()
        stack.callback(server.kill)
        return server

    def _start_sentinel(self, folder: Path, stack: ExitStack) -> None:
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor {NAME} 127.0.0.1 {self.primary.port} 1\n"
            f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {NAME} 5000\n"
        )
        process = subprocess.Popen(
            [valkey_binary(), str(config), "--sentinel"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        stack.callback(process.wait)
        stack.callback(process.kill)

    def _sentinel(self, *words: str) -> str:
        sentinel = Server(valkey_binary(), Path(), port=self.port)
        try:
            return sentinel.command(*words)
        except OSError:
            return ""

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.port}/{NAME}"

    def is_promoted(self) -> bool:
        """Tell whether the replica is the primary now, for itself and for Sentinel."""
        named = self._sentinel("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
        return f"\r\n{self.replica.port}\r\n" in named and "master" in self.replica.command("ROLE")

    @staticmethod
    def _wait(condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {_TIMEOUT} s"
            time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._exit.close()
