"""What the calculator makes of costs and demands."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bench.scaling import Costs, Demand, gives_way_first, main, work_out

QUIET = Demand(connections=36_000, channels=0, minutes=1e9, events=0)
FREE = Costs(0, 0, 0, 0, 0, 0, 0, 0, 0, node_connections=18_000, node_cores=0.6, redis_cores=0.5)


def test_idle_connections_need_nodes_by_their_number_and_no_redis() -> None:
    need = work_out(QUIET, FREE)
    assert (need.nodes, need.limit, need.primaries) == (2, "connections", 0)


def test_events_need_nodes_by_their_cost() -> None:
    # 36,000 events a second, of 100 us each, are 3.6 cores, of which each node gives 0.6.
    need = work_out(replace(QUIET, events=1_000, audience=1), replace(FREE, origin_us=100))
    assert (need.nodes, need.limit) == (6, "CPU")


def test_redis_is_paid_for_each_node_that_wants_an_event() -> None:
    demand = replace(QUIET, events=1_000, audience=1_000_000)
    need = work_out(demand, replace(FREE, redis_event_us=20, redis_interest_us=5))
    assert need.nodes == 2
    assert need.primaries == pytest.approx(36_000 * 25e-6 / 0.5)


def test_bytes_go_to_nodes_once_and_to_clients_each() -> None:
    need = work_out(replace(QUIET, events=1, audience=1_000_000, bytes=100), FREE)
    assert need.redis_bytes == pytest.approx(36 * 2 * 100)
    assert need.client_bytes == pytest.approx(36 * 1_000_000 * 100)


def test_what_is_exhausted_first_is_told_with_the_number_of_connections() -> None:
    # A node for each 18,000: a thousand know each other for half a core.
    crowded = gives_way_first(QUIET, replace(FREE, redis_pair_us=0.5))
    assert re.match(r"heartbeats in the first Redis primary, at 1[89],", crowded)
    # 36 events a second for each 36,000 connections: 64 primaries of half a core have room for 32,000 of 1 ms.
    busy = gives_way_first(replace(QUIET, events=1, audience=1), replace(FREE, redis_event_us=1_000))
    assert re.match(r"64 Redis primaries, one for each shard, at 3[23],", busy)
    assert gives_way_first(QUIET, FREE) == "nothing up to 100,000 nodes"


def test_numbers_are_taken_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--connections", "18001", "--node-connections", "18000", "--events", "0"])
    assert "nodes            2, by connections" in capsys.readouterr().out
