"""A presence channel of a thousand members: what a join costs as the roster grows.

Each join has to be told to every member and answered with the roster, so its cost grows with their number. What must
not grow it is work on the roster beyond that: the price of one more member is compared with that of one send().
"""

from bench.generator import Generator
from bench.measure import Measure, at_most, told
from bench.server import Server
from bench.signing import presence_subscription
from bench.stage import Stage

_CHANNEL = "presence-bench"
_FEW = 100
_MANY = 1000
_JOINS = 50  # measured at each size, up to it
_NOTICE_BYTES = 150  # about the frame that tells a member of a join
_REACH = 2.2  # as for any delivery that can't be gathered with others


def measure(stage: Stage) -> list[Measure]:
    """Let members join one after the other, and compare the joins around 100 with those around 1,000."""
    with stage.running() as (server, load):
        kernel = stage.kernel_send(_NOTICE_BYTES)
        load.open(_MANY)
        joins = [presence_subscription(each, _CHANNEL, str(i)) for i, each in enumerate(load.socket_ids())]
        load.subscribe(joins[: _FEW - _JOINS])
        few = _join(server, load, joins, up_to=_FEW)
        load.subscribe(joins[_FEW : _MANY - _JOINS], first=_FEW)
        many = _join(server, load, joins, up_to=_MANY)
    per_member = (many - few) / (_MANY - _FEW)
    return [
        told("CPU per join at 100 members", few, "us"),
        told("CPU per join at 1,000 members", many, "us"),
        at_most(
            "one more member, to the kernel's send",
            per_member / kernel.cpu_us,
            _REACH,
            "x",
            us_per_member=per_member,
            kernel_us_per_send=kernel.cpu_us,
        ),
    ]


def _join(server: Server, load: Generator, joins: list[str], *, up_to: int) -> float:
    """Return the microseconds of CPU per join, one at a time, for the last members up to a number."""
    first = up_to - _JOINS
    before = server.process.cpu_seconds()
    load.subscribe(joins[first:up_to], first=first, window=1)
    return (server.process.cpu_seconds() - before) / _JOINS * 1e6
