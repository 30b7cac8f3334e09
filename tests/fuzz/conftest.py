"""One node for all fuzzing, and what must hold when it is over."""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.harness.node import start_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.node import RunningNode

APP = {"id": "1", "key": "k", "secret": "s", "client_events": True, "watchlists": True, "subscription_count": True}
MIB = 2**20


@pytest.fixture(scope="package")
def seed() -> int:
    """Where all inputs come from: set ``SHOAL_FUZZ_SEED`` to repeat a run. Each run without it is another."""
    seed = int(os.environ.get("SHOAL_FUZZ_SEED") or Random().randrange(2**32))
    print(f"SHOAL_FUZZ_SEED={seed}")
    return seed


@pytest.fixture
def random(seed: int, request: pytest.FixtureRequest) -> Random:
    return Random(f"{seed} {request.node.name}")


@pytest.fixture(scope="package")
def node() -> Iterator[RunningNode]:
    with start_node(apps=[APP]) as node:
        yield node


@pytest.fixture(autouse=True)
def _leaves_no_trace(node: RunningNode, seed: int) -> Iterator[None]:
    """Check that the node is afterwards as it was before: that is what all of this is about."""
    yield
    node.wait_until(lambda: node.metric("shoal_connections") == 0, f"seed {seed}: all connections are gone")
    node.wait_until(lambda: node.metric("shoal_closing_connections") == 0, f"seed {seed}: none is closing")
    # Entries of connections that broke are held for some seconds.
    node.wait_until(lambda: node.metric("shoal_channels") == 0, f"seed {seed}: all channels are gone")
    assert not node.problems(), f"seed {seed}: {node.problems()[:3]}"
    # Beside the node's own 60: buffers that the allocator keeps for the next connections.
    assert node.rss() < 150 * MIB, f"seed {seed}"
