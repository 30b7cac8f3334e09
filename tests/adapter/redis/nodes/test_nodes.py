"""Who is taken for dead, and when nobody is; without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adapter.redis.nodes.identity import Identity
from adapter.redis.nodes.nodes import DEAD_AFTER, LATE_AFTER, Health, Nodes
from adapter.redis.stats import Stats

if TYPE_CHECKING:
    from collections.abc import Iterable


def a_health(*, beats: int = 6, others: Iterable[float] = (1.0,)) -> Health:
    """Return the health after so many beats, one each 2 seconds."""
    health = Health()
    for number in range(beats):
        health.beat(100.0 + 2 * number, "server", list(others))
    return health


def test_a_new_node_first_looks_for_as_long_as_others_have_to_be_heard() -> None:
    assert not a_health(beats=5).is_good
    assert a_health(beats=6).is_good
    assert a_health(beats=1, others=()).is_good, "who is alone has nobody to wait for"


@pytest.mark.parametrize(
    ("at", "server"),
    [(110.0 + LATE_AFTER + 0.1, "server"), (112.0, "another"), (110.0 + 3600, "server"), (110.0 - 3600, "server")],
    ids=["a silence", "another memory", "a clock that jumps ahead", "a clock that jumps back"],
)
def test_after_a_disturbance_it_looks_anew(at: float, server: str) -> None:
    health = a_health()
    health.beat(at, server, [0.5])
    assert not health.is_good
    for number in range(1, 6):
        health.beat(at + 2 * number, server, [0.5])
    assert health.is_good


def test_a_beat_that_is_not_answered_is_a_disturbance() -> None:
    health = a_health()
    health.silence()
    health.beat(112.0, "server", [0.5])
    assert not health.is_good


class Beats:
    """A server that answers beats as the test has chosen, and what it was sent."""

    def __init__(self) -> None:
        self.identity = Identity("node", lambda: None)
        self.now = 100.0
        self.heard: dict[str, float] = {}
        self.is_alive = True
        self.peers: list[set[str]] = []
        self.nodes = Nodes(
            self.identity,
            Stats(),
            beat=self.answer,
            describe=dict,
            server=lambda: "server",
            reap=self.reap,
            on_beat=lambda: None,
        )

    async def answer(self, text: str, peers: Iterable[str]) -> Any:
        assert text == "{}"
        self.peers.append(set(peers))
        flat = [word for boot, at in self.heard.items() for word in (boot.encode(), b"%f" % at)]
        return [int(self.is_alive), b"%f" % self.now, flat]

    async def reap(self, boot: str) -> None:
        raise AssertionError("the test does that itself")


async def test_who_was_not_heard_for_long_is_dead() -> None:
    server = Beats()
    server.heard = {"quiet": 100.0, "alive": 0.0}
    dead: list[str] = []
    while server.now <= 100.0 + DEAD_AFTER + 2:
        assert dead == []
        server.heard["alive"] = server.now
        dead = await server.nodes.beat_once()
        server.now += 2
    assert dead == ["quiet"]
    assert server.identity.peers == {"alive"}


async def test_peers_are_handed_in_by_who_was_heard_before_and_not_by_who_was_declared_dead() -> None:
    server = Beats()
    server.heard = {"other": 100.0}
    for _ in range(2):
        await server.nodes.beat_once()
    server.is_alive = False
    await server.nodes.beat_once()
    server.is_alive = True
    for _ in range(2):
        await server.nodes.beat_once()
    assert server.peers == [set(), {"other"}, {"other"}, set(), {"other"}]
