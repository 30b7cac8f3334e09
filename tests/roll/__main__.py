"""Run the proof and print its tables: `python -m tests.roll`, or `make roll`. Exit status 1 if a line isn't ok."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import signal
import sys
import time
from typing import TYPE_CHECKING

import uvloop

from tests.clients.packages import Missing, require_packages
from tests.roll.broken import OneByOne
from tests.roll.scenarios import SCENARIOS, Scenario
from tests.roll.size import FULL, SHORT, Size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


ALL: Mapping[str, Scenario | OneByOne] = {**SCENARIOS, "broken": OneByOne()}


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.roll", description=__doc__)
    parser.add_argument("--only", action="append", choices=ALL, help="run this scenario (may be repeated)")
    parser.add_argument("--short", action="store_true", help="fewer clients and shorter times, as in CI")
    for field in ("nodes", "real", "light"):
        parser.add_argument(f"--{field}", type=int, metavar="NUMBER", help="another number of them")
    return parser.parse_args(given)


def _size(arguments: argparse.Namespace) -> Size:
    chosen = {field: getattr(arguments, field) for field in ("nodes", "real", "light")}
    changes = {field: number for field, number in chosen.items() if number is not None}
    return dataclasses.replace(SHORT if arguments.short else FULL, **changes)


def _run(scenario: Scenario | OneByOne, size: Size) -> bool:
    """Run one scenario and print its table; return whether all of it is ok."""
    size = scenario.sized(size)
    crowd = f"{size.nodes} nodes, {size.real} pusher-js, {size.light} light clients, {size.events:g} events/s"
    print(f"\n{scenario.title}: {crowd}", flush=True)
    begin = time.monotonic()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcome = runner.run(scenario.run(size))
    print(f"{outcome}\n({time.monotonic() - begin:.0f} s)", flush=True)
    return outcome.is_ok


def main(given: Sequence[str]) -> int:
    """Run what was asked for; return 0 if everything is as it must be."""
    arguments = _arguments(given)
    # All that was started is ended again then, as on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        require_packages()
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    results = [_run(ALL[name], _size(arguments)) for name in arguments.only or ALL]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
