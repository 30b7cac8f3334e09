"""A clock and a transport that do as the test says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeClock:
    """A loop's clock that goes when told, and rings the timers it passes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rung = 0
        self._timers: list[asyncio.TimerHandle] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object], /) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, (), _NoLoop())  # type: ignore[arg-type]
        self._timers.append(handle)
        return handle

    def go_to(self, when: float) -> None:
        while due := [timer for timer in self.timers if timer.when() <= when]:
            timer = min(due, key=asyncio.TimerHandle.when)
            self._timers.remove(timer)
            self.now = timer.when()
            self.rung += 1
            timer._run()
        self.now = when

    @property
    def timers(self) -> list[asyncio.TimerHandle]:
        return [timer for timer in self._timers if not timer.cancelled()]


class _NoLoop:
    """As much of a loop as a timer needs."""

    def get_debug(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: Any) -> None:
        pass


class FakeTransport(asyncio.Transport):
    """Keeps what is written; its client takes as much of it as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.unsent = 0
        self.closed = False
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True
