"""What docs/deploying.md computes is right, and what it says of defaults is so."""

from __future__ import annotations

import re

import pytest

from server.config import Settings
from server.config.settings import FLUSHING
from server.leaving.course import REVIEW
from server.leaving.pace import SHARE, pace_of
from tests.helm.chart import render, values_of
from tests.helm.disconnections import PAGE, Balance, in_place, poured, refreshed, surged

TEXT = PAGE.read_text(encoding="utf-8")
NODE = Settings()


def test_table_of_disconnections_is_as_computed() -> None:
    assert refreshed(TEXT) == TEXT, "run: python -m tests.helm.disconnections"


def test_the_emptiest_nodes_fill_up_first() -> None:
    assert poured([3.0, 0.0, 1.0], 2.0, Balance.LEAST) == [3.0, 1.5, 1.5]
    assert poured([3.0, 0.0, 1.0], 5.0, Balance.LEAST) == [3.0, 3.0, 3.0]
    assert poured([3.0, 0.0], 5.0, Balance.LEAST) == [4.0, 4.0]
    assert poured([3.0, 0.0], 1.0, Balance.AT_RANDOM) == [3.5, 0.5]


@pytest.mark.parametrize("balance", Balance)
def test_two_nodes_by_hand(balance: Balance) -> None:
    # One by one at random: the half that lands on the old node moves again, a quarter of all. In place there is only
    # one other node, whatever the balancer.
    assert surged(2, 1, balance)[0] == (1.25 if balance is Balance.AT_RANDOM else 1.0)
    assert surged(2, 2, balance) == (1.0, [1.0, 1.0])
    assert in_place(2, balance) == 1.5


@pytest.mark.parametrize("clients", [2_000, 12_000, 18_000])
def test_rates_in_the_table_of_sizes_are_those_of_a_node(clients: int) -> None:
    row = re.search(rf"^\| {clients:,} \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", TEXT, re.MULTILINE)
    assert row is not None
    rate, longest, settle, grace = map(int, row.groups())
    pace = pace_of(
        clients,
        handshake_rate=NODE.handshake_rate,
        ready=3,
        draining=3,
        ceiling=NODE.drain_rate,
        longest=NODE.drain_max,
    )
    assert (rate, longest) == (pace.rate, NODE.drain_max)
    assert grace == settle + longest + FLUSHING


def test_grace_of_the_alb_in_the_table_is_its_sum() -> None:
    row = re.search(r"^\| 18,000, behind an ALB \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", TEXT, re.MULTILINE)
    assert row is not None
    rate, longest, settle, grace = map(int, row.groups())
    assert 18_000 / rate <= longest
    assert grace == settle + longest + FLUSHING


def test_the_seconds_are_those_of_a_node_and_the_chart() -> None:
    rendered = render(values_of("minimal"))
    settle = float(rendered.environment["SHOAL_SETTLE"])
    drained = settle + 6_000 / NODE.drain_rate
    cut_off = drained + NODE.abort_timeout + 1
    seconds = re.findall(r"^\| (\d+) (?:– (\d+) )?\| ", TEXT.split("## How long to settle")[0], re.MULTILINE)
    assert [tuple(float(second) for second in pair if second) for pair in seconds] == [
        (0.0,),
        (settle,),
        (settle, drained),
        (drained, cut_off),
        (cut_off,),
        (float(rendered.pod["terminationGracePeriodSeconds"]),),
    ]


def test_figures_of_the_text_are_the_defaults() -> None:
    assert (NODE.drain_rate, NODE.handshake_rate, NODE.drain_max, NODE.hold_leaving) == (200, 1_000, 60, 30)
    assert (NODE.close_timeout, NODE.abort_timeout, NODE.flush_timeout, NODE.last_call, REVIEW) == (3, 5, 5, 2, 2)
    assert SHARE == 0.5
    assert NODE.activity_timeout + NODE.pong_timeout == 60


def test_links_of_the_page_lead_somewhere() -> None:
    for page in (
        PAGE,
        PAGE.with_name("observing.md"),
        PAGE.with_name("cluster.md"),
        PAGE.parents[1] / "helm" / "shoal" / "README.md",
    ):
        text = page.read_text(encoding="utf-8")
        for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([\w-]+))?\)", text):
            found = (page.parent / target) if target else page
            assert found.exists(), f"{page.name}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {heading.lower().replace(" ", "-").replace(",", "") for heading in headings}
