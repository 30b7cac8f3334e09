"""Have a Python process that has this folder on its path say when a signal would end it that it heeded before."""

import signal
import sys
from typing import Any

_signal = signal.signal
_heeded: set[int] = set()


def _watched(number: int, handler: Any) -> Any:
    if handler in (signal.SIG_DFL, signal.default_int_handler):
        if number in _heeded:
            print(f"defenceless against signal {int(number)}", file=sys.stderr, flush=True)
    else:
        _heeded.add(number)
    return _signal(number, handler)


signal.signal = _watched  # type: ignore[assignment]
