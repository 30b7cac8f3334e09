"""Put the clock of a Python process wrong, by ``SECONDS_OFF`` seconds: for a node that has this folder on its path.

Only the time of day is off, as it is on a machine whose clock is; what measures durations goes on as it should.
"""

import os
import time

_off = float(os.environ.get("SECONDS_OFF", "0"))
_time, _time_ns = time.time, time.time_ns


def _wrong_time() -> float:
    return _time() + _off


def _wrong_time_ns() -> int:
    return _time_ns() + int(_off * 1e9)


time.time, time.time_ns = _wrong_time, _wrong_time_ns
