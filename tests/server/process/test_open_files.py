"""The limit of open files: what a node makes of it, and what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from math import inf

import pytest

from server.process.open_files import BESIDE_CLIENTS, best_limit, complaint
from tests.harness.node import ROOT


@pytest.mark.parametrize(
    ("soft", "hard", "needed", "limit"),
    [
        (1_024, 524_288, 18_400, 18_400),
        (1_024, 4_096, 18_400, 4_096),
        (20_000, 20_000, 18_400, 20_000),
        (1_024, inf, 18_400, 18_400),
        (inf, inf, 18_400, inf),
    ],
)
def test_limit_is_raised_to_what_is_needed_and_permitted_and_never_lowered(
    soft: float, hard: float, needed: int, limit: float
) -> None:
    assert best_limit(soft, hard, needed) == limit


def test_limit_that_suffices_is_no_news() -> None:
    assert complaint(18_000 + BESIDE_CLIENTS, 18_000) is None
    assert complaint(inf, 18_000) is None


@pytest.mark.parametrize(("permitted", "warns"), [(1_000, True), (5_000, False)])
def test_node_raises_its_own_limit_and_warns_where_it_may_not(permitted: int, warns: bool) -> None:
    limits = f"ulimit -Hn {permitted} && ulimit -Sn 300"
    serve = f'exec "{sys.executable}" -m server serve --port 0 --metrics-port 0 --max-connections 2000'
    with subprocess.Popen(
        ["bash", "-c", f"ulimit -Sn 300 && {limits} && {serve}"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as node:
        assert node.stderr is not None
        said = ""
        while "ready on" not in said:
            line = node.stderr.readline()
            assert line, f"the node ended: {said}"
            said += line
        with open(f"/proc/{node.pid}/limits", encoding="ascii") as file:
            found = re.search(r"Max open files +(\d+)", file.read())
        node.terminate()
    assert found is not None
    assert int(found.group(1)) == min(permitted, 2_000 + BESIDE_CLIENTS)
    assert ("lower max_connections to 600" in said) is warns
