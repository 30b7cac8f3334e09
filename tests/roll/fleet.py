"""A process that plays clients, and whose records go into the log."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.harness.node import ROOT
from tests.roll.log import AnyRecord, decode_record

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable, Sequence

    from tests.roll.crowd import Guest

LIGHT = (sys.executable, "-m", "tests.roll.light")
REAL = ("node", str(Path(__file__).parent / "real" / "fleet.mjs"))
_STOP_TIMEOUT = 10.0


class Fleet:
    """Runs while its ``async with`` block does.

    :param address: host, port, key and secret, for the clients.
    :param per_second: how many clients begin in a second.
    :param hear: called with each record.
    """

    def __init__(
        self,
        command: Sequence[str],
        guests: Sequence[Guest],
        *,
        address: dict[str, Any],
        per_second: float,
        hear: Callable[[AnyRecord], None],
    ) -> None:
        self._command = command
        self._plan = {"address": address, "guests": [guest.as_plan() for guest in guests], "per_second": per_second}
        self._hear = hear
        # Set when started.
        self._process: Process
        # Done when the process has ended.
        self.reading: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(*self._command, cwd=ROOT, stdin=PIPE, stdout=PIPE)
        assert self._process.stdin is not None, "asked for"
        self._process.stdin.write(json.dumps(self._plan).encode() + b"\n")
        self.reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *exc: object) -> None:
        """End the clients without a word, and fail if the process had ended before."""
        assert self._process.stdin is not None, "asked for"
        status = self._process.returncode
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT):
                await self.reading
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            raise
        assert status is None, f"{self._command} ended with {status}"

    async def _read(self) -> None:
        assert self._process.stdout is not None, "asked for"
        async for line in self._process.stdout:
            self._hear(decode_record(line))
