"""What a process does on signals: what its node says, until that has ended, and nothing from then on.

Not by the event loop's own functions: where they take back a handler they put the system's default in its place, if
only for a moment. A signal of that moment ends the process with -15, after all went well. A mask is no way out, since a
signal goes to any thread that doesn't mask it.
"""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

HEEDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def heed_signals(*, stop: Callable[[], None], reload: Callable[[], None]) -> None:
    """Have the running event loop call `stop` on SIGTERM and SIGINT, and `reload` on SIGHUP."""
    loop = asyncio.get_running_loop()

    def heed(number: int, frame: FrameType | None) -> None:
        # This may be in the middle of anything; what is called is in a turn of its own.
        loop.call_soon_threadsafe(reload if number == signal.SIGHUP else stop)

    for number in HEEDED:
        signal.signal(number, heed)


def ignore_signals() -> None:
    """Let nothing spoil the exit status of a node that has left: it is ending already."""
    for number in HEEDED:
        signal.signal(number, signal.SIG_IGN)
