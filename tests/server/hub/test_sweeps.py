from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from server.hub.sweeps import Sweeps
from server.protocol import codes
from tests.server.hub.stage import APP, Stage
from tests.server.protocol import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.server.hub.fake_client import FakeClient


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    limits = {"slow_consumer_bytes": 1000, "slow_consumer_max_bytes": 5000, "max_node_buffer_bytes": 8000}
    stage = Stage(asyncio.get_running_loop(), slow_consumer_seconds=5.0, unsent_timeout=10.0, **limits)
    await stage.start()
    yield stage
    await stage.stop()


@pytest.fixture
def sweeps(stage: Stage) -> Sweeps:
    return Sweeps(stage.hub, stage.settings, stage.metrics)


def slow(stage: Stage, unsent: int) -> FakeClient:
    """Return a client that is above its high-water mark, with so many bytes that wait for it."""
    client = stage.connect()
    client.unsent = unsent
    stage.hub.slow.add(client)
    return client


# Silence


def test_who_is_silent_is_asked_then_closed(stage: Stage, sweeps: Sweeps) -> None:
    alice = stage.connect()
    sweeps.check_silence(alice, stage.now + 29.9)
    assert alice.probes == 0
    sweeps.check_silence(alice, stage.now + 30.0)
    sweeps.check_silence(alice, stage.now + 59.9)
    assert alice.probes == 1
    assert alice.closed is None
    sweeps.check_silence(alice, stage.now + 60.0)
    assert alice.closed == codes.NO_PONG


def test_who_has_gone_meanwhile_is_left_alone(stage: Stage, sweeps: Sweeps) -> None:
    alice = stage.connect()
    stage.hub.lost(alice, code=1000, is_clean=True)
    sweeps.check_silence(alice, stage.now + 30.0)
    assert alice.probes == 0


def test_who_did_not_authorize_in_time_is_closed(stage: Stage, sweeps: Sweeps) -> None:
    alice = stage.connect(wire.an_app(authorization_timeout=5.0))
    sweeps.check_silence(alice, stage.now + 4.9)
    assert alice.closed is None
    sweeps.check_silence(alice, stage.now + 5.0)
    assert alice.closed == codes.NOT_AUTHORIZED_IN_TIME


# Above the high-water mark


def test_who_stays_above_it_too_long_is_closed(stage: Stage, sweeps: Sweeps) -> None:
    alice = slow(stage, 1001)
    sweeps.check_slow(stage.now)
    sweeps.check_slow(stage.now + 4.9)
    assert alice.closed is None
    sweeps.check_slow(stage.now + 5.0)
    assert alice.closed == codes.SLOW_CONSUMER
    counters = stage.metrics.of(APP.id)
    assert (counters.slow_consumers, counters.closed) == (1, {4100: 1})


def test_who_falls_below_it_in_time_may_stay_and_begins_anew(stage: Stage, sweeps: Sweeps) -> None:
    alice = slow(stage, 1001)
    sweeps.check_slow(stage.now)
    stage.hub.slow.discard(alice)
    sweeps.check_slow(stage.now + 4.0)
    stage.hub.slow.add(alice)
    sweeps.check_slow(stage.now + 5.0)
    sweeps.check_slow(stage.now + 9.9)
    assert alice.closed is None


def test_who_is_far_above_it_is_closed_at_once(stage: Stage, sweeps: Sweeps) -> None:
    alice, bob = slow(stage, 5000), slow(stage, 5001)
    sweeps.check_slow(stage.now)
    assert alice.closed is None
    assert bob.closed == codes.SLOW_CONSUMER


def test_when_all_together_are_too_much_the_largest_are_closed_until_they_are_not(stage: Stage, sweeps: Sweeps) -> None:
    small, large, medium, tiny = (slow(stage, size) for size in (2000, 4500, 3500, 1500))
    sweeps.check_slow(stage.now)
    assert large.closed == codes.SLOW_CONSUMER
    assert [client.closed for client in (small, medium, tiny)] == [None] * 3


# The oldest unsent byte


def test_who_takes_nothing_for_too_long_is_closed_however_little_it_is(stage: Stage, sweeps: Sweeps) -> None:
    alice = stage.connect()
    alice.unsent, alice.taken = 1, 100
    sweeps.check_backlog(alice, stage.now)
    sweeps.check_backlog(alice, stage.now + 9.9)
    assert alice.closed is None
    sweeps.check_backlog(alice, stage.now + 10.0)
    assert alice.closed == codes.SLOW_CONSUMER


def test_who_takes_what_has_waited_may_stay_though_more_waits_now(stage: Stage, sweeps: Sweeps) -> None:
    alice = stage.connect()
    alice.taken = 0
    for second in range(60):
        alice.unsent = 900
        sweeps.check_backlog(alice, stage.now + second)
        alice.taken += 300
    assert alice.closed is None


def test_who_takes_too_little_in_that_time_is_closed(stage: Stage, sweeps: Sweeps) -> None:
    alice = stage.connect()
    alice.unsent, alice.taken = 900, 0
    for second in range(11):
        sweeps.check_backlog(alice, stage.now + second)
        alice.taken += 50
    assert alice.closed == codes.SLOW_CONSUMER


def test_who_was_through_in_between_begins_anew(stage: Stage, sweeps: Sweeps) -> None:
    alice = stage.connect()
    alice.unsent = 1
    sweeps.check_backlog(alice, stage.now)
    alice.unsent = 0
    sweeps.check_backlog(alice, stage.now + 5.0)
    alice.unsent = 1
    sweeps.check_backlog(alice, stage.now + 6.0)
    sweeps.check_backlog(alice, stage.now + 15.9)
    assert alice.closed is None


# After the close frame


def test_who_does_not_answer_the_close_is_hung_up_on_then_cut_off(stage: Stage, sweeps: Sweeps) -> None:
    alice = stage.connect()
    stage.hub.close(alice, codes.SERVER_LEAVING)
    start = stage.now
    for seconds, expected in ((2.9, (False, False)), (3.0, (True, False)), (5.0, (True, True))):
        stage.now = start + seconds
        sweeps.check_closing(stage.now)
        assert (alice.was_hung_up, alice.was_aborted) == expected
