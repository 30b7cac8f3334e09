"""Signals at the end of a node: there is no moment in which one more of them could spoil its exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.node import ROOT, start_node

# With a sitecustomize of its own; a moment can't be hit by chance, but be told of.
WATCHED = {"PYTHONPATH": str(Path(__file__).parent / "watched_signals")}
DEFENCELESS = "defenceless against signal"
CARELESS = """
import uvloop
loop = uvloop.new_event_loop()
loop.add_signal_handler(15, print)
loop.call_soon(loop.remove_signal_handler, 15)
loop.call_later(0.01, loop.stop)
loop.run_forever()
"""


def test_the_watch_notices_what_it_is_for() -> None:
    done = subprocess.run([sys.executable, "-c", CARELESS], env=os.environ | WATCHED, capture_output=True, text=True)
    assert f"{DEFENCELESS} 15" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_node_that_leaves_heeds_signals_or_ignores_them_until_it_is_gone(number: signal.Signals) -> None:
    with start_node(WATCHED) as node:
        node.signal(number)
        node.stop()
        assert DEFENCELESS not in node.log()


def test_so_does_one_that_is_told_to_exit_before_it_has_begun() -> None:
    environment = os.environ | WATCHED | {"SHOAL_REDIS": "redis://127.0.0.1:1", "SHOAL_LOG_FORMAT": "json"}
    command = [sys.executable, "-m", "server", "serve", "--port", "0", "--metrics-port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline()]
        process.send_signal(signal.SIGTERM)
        lines += process.stderr.readlines()
    assert (process.returncode, DEFENCELESS in "".join(lines)) == (0, False), lines
