"""Run the scenarios and print the table: `python -m bench`, or `make bench`."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.build import find_compiler
from bench.errors import BenchError
from bench.machine import Cores, choose_cores, describe_machine
from bench.process import Process
from bench.report import Result, table, write_json
from bench.scenarios import SCENARIOS
from bench.server import OUR_COMMAND, Server
from bench.stage import Stage
from bench.yardstick import measure_in_python

_FRAME_BYTES = 160  # about one delivery of the fan-out


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="run this scenario (may be repeated)")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, for a first look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every number to FILE")
    parser.add_argument("--vs", metavar="COMMAND", help="measure another server beside ours; {port} is its port")
    parser.add_argument("--attach", metavar="PORT:PID", help="measure a server that runs already, instead of ours")
    return parser.parse_args(given)


def _stages(arguments: argparse.Namespace, cores: Cores) -> dict[str, Stage]:
    ours = Stage(OUR_COMMAND, cores, arguments.quick)
    if arguments.attach:
        port, _, pid = arguments.attach.partition(":")
        ours = Stage((), cores, arguments.quick, Server(int(port), Process(int(pid))))
    stages = {"measured": ours}
    if arguments.vs:
        stages["the other"] = Stage(tuple(shlex.split(arguments.vs)), cores, arguments.quick)
    return stages


def _run(scenario: str, name: str, stage: Stage) -> Result:
    print(f"{scenario} ...", file=sys.stderr, flush=True)
    try:
        return Result(scenario, name, tuple(SCENARIOS[scenario](stage)))
    except BenchError as error:
        return Result(scenario, name, failure=str(error))


def _yardstick_only(cores: Cores) -> int:
    """Print what can be measured without a compiler, and why that is all."""
    kernel = measure_in_python(cores, frame_bytes=_FRAME_BYTES, sends=200_000)
    print(f"kernel: {kernel.per_second:,.0f} sends/s, {kernel.cpu_us:.2f} us of CPU each (os.write, from Python)")
    print("no scenario was run: the load generator is written in C; install gcc or clang, or name a compiler in CC")
    return 1


def main(given: Sequence[str]) -> int:
    """Measure what was asked for; return 0 unless a scenario could not be measured."""
    arguments = _arguments(given)
    cores, machine = choose_cores(), describe_machine()
    print(machine)
    if cores.are_shared:
        print("one core for server and load: the numbers say little")
    if find_compiler() is None:
        return _yardstick_only(cores)
    stages = _stages(arguments, cores)
    names = arguments.only or list(SCENARIOS)
    results = [[_run(name, server, stage) for server, stage in stages.items()] for name in names]
    print(table(results))
    if arguments.json:
        write_json(arguments.json, machine, results)
    return 1 if any(result.failure for row in results for result in row) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BenchError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
