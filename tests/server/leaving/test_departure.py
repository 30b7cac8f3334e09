"""A departure, with a clock in the test's hand."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest
import uvloop

from adapter.local import LocalAdapter
from server.apps import App
from server.config import Settings
from server.hub import Hub
from server.leaving import Departure
from server.lifecycle import Lifecycle, State
from server.metrics import Metrics
from server.protocol.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.listener import Listener
    from server.protocol.codes import Close

APP = App(id="1", key="k", secret="s")


class FakeClient:
    """Takes what it is sent and is gone once it is told to go; unless it is deaf."""

    def __init__(self, hub: Hub, number: int, metrics: Metrics) -> None:
        self.hub = hub
        self.session = Session(APP, f"1.{number}", now=0.0)
        self.counters = metrics.of(APP.id)
        self.codes: list[int] = []
        self.unsent = 0
        self.is_aborted = False
        self.on_end: Callable[[], object] = lambda: None

    def write(self, data: bytes) -> None:
        pass

    def end(self, close: Close) -> None:
        self.codes.append(close.code)
        self.on_end()
        if not self.unsent:
            asyncio.get_running_loop().call_soon(self.hub.gone, cast("Any", self))

    def abort(self) -> None:
        self.is_aborted = True
        self.hub.gone(cast("Any", self))


@dataclass
class IdleListener:
    """Nobody is on it."""

    draining: bool = False
    calls: list[str] = field(default_factory=list)

    async def wait_answered(self) -> None:
        self.calls.append("answered")

    async def stop(self, grace: float) -> None:
        self.calls.append("stopped")


class Harbour:
    """A node's parts around its departure."""

    def __init__(self, **settings: Any) -> None:
        self.now = 1_000.0
        self.metrics = Metrics()
        self.adapter = LocalAdapter()
        self.settings = Settings(apps=(APP,), **settings)
        self.lifecycle = Lifecycle()
        self.lifecycle.advance(State.READY)
        self.listener = IdleListener()
        # Whether there is anything to flush, and it never ends.
        self.is_stuck = False

    async def flush(self) -> None:
        self.listener.calls.append("flushed")
        if self.is_stuck:
            await asyncio.Event().wait()

    async def begin(self, clients: int) -> list[FakeClient]:
        self.hub = Hub(
            adapter=self.adapter,
            settings=self.settings,
            metrics=self.metrics,
            spawn=asyncio.get_running_loop().create_task,
            clock=lambda: self.now,
        )
        await self.adapter.start(self.hub)
        self.departure = Departure(
            self.lifecycle,
            hub=self.hub,
            adapter=self.adapter,
            settings=self.settings,
            metrics=self.metrics,
            flush=[self.flush],
        )
        ships = [FakeClient(self.hub, number, self.metrics) for number in range(clients)]
        for ship in ships:
            self.adapter.admit(APP.id, None)
            self.hub.register(cast("Any", ship))
        return ships

    async def run(self) -> bool:
        return await self.departure.run(cast("Listener", self.listener))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - it is about plain numbers
                await asyncio.sleep(0)


async def test_clients_are_closed_with_4200_as_time_passes_and_not_before() -> None:
    harbour = Harbour(drain_rate=100.0)
    ships = await harbour.begin(200)
    running = asyncio.create_task(harbour.run())
    harbour.departure.exit()
    await harbour.until(lambda: harbour.metrics.departure.closed == 1)
    harbour.now += 0.045
    await harbour.until(lambda: harbour.metrics.departure.closed == 5)
    await harbour.until(lambda: harbour.metrics.departure.remaining == 195)
    while not running.done():
        harbour.now += 0.04
        await asyncio.sleep(0)
    assert await running
    assert [ship.codes for ship in ships] == [[4200]] * 200
    assert harbour.metrics.departure.forced == 0
    assert harbour.metrics.departure.rate == harbour.metrics.departure.remaining == 0


async def test_the_order_is_random() -> None:
    harbour = Harbour()
    ships = await harbour.begin(100)
    order: list[int] = []
    for number, ship in enumerate(ships):
        ship.on_end = partial(order.append, number)
    harbour.departure.exit()
    harbour.departure.exit()
    assert await harbour.run()
    assert sorted(order) == list(range(100)) != order


async def test_a_node_told_twice_to_exit_closes_all_at_once_also_while_it_settles() -> None:
    harbour = Harbour(settle=30.0, drain_rate=1.0)
    ships = await harbour.begin(50)
    running = asyncio.create_task(harbour.run())
    harbour.departure.exit()
    await harbour.until(lambda: harbour.lifecycle.state is State.SETTLING)
    assert harbour.listener.draining
    assert not any(ship.codes for ship in ships)
    harbour.departure.exit()
    assert await running
    assert [ship.codes for ship in ships] == [[4200]] * 50


async def test_too_many_clients_for_the_time_there_is_are_closed_faster_and_that_is_counted() -> None:
    harbour = Harbour(drain_rate=1.0, drain_max=2.0)
    await harbour.begin(50)
    running = asyncio.create_task(harbour.run())
    harbour.departure.exit()
    await harbour.until(lambda: harbour.metrics.departure.rate > 0)
    assert harbour.metrics.departure.rate == pytest.approx(25.0)
    assert harbour.metrics.departure.forced == 1
    harbour.departure.exit()
    assert await running


async def test_a_client_that_never_takes_its_close_frame_shows_in_the_result() -> None:
    harbour = Harbour()
    (deaf,) = await harbour.begin(1)
    deaf.unsent = 1_000_000
    running = asyncio.create_task(harbour.run())
    harbour.departure.exit()
    harbour.departure.exit()
    await harbour.until(lambda: harbour.metrics.departure.closed == 1)
    harbour.now += 1.0
    assert not await running
    assert deaf.is_aborted
    assert harbour.metrics.departure.aborted == 1


async def test_requests_are_answered_then_the_rest_is_flushed_and_only_then_nobody_is_listened_to() -> None:
    harbour = Harbour()
    await harbour.begin(3)
    harbour.departure.exit()
    harbour.departure.exit()
    assert await harbour.run()
    assert harbour.listener.calls == ["answered", "flushed", "stopped", "stopped"]


async def test_what_never_ends_is_given_up_in_its_time() -> None:
    harbour = Harbour(flush_timeout=2.0)
    harbour.is_stuck = True
    await harbour.begin(0)
    running = asyncio.create_task(harbour.run())
    harbour.departure.exit()
    await harbour.until(lambda: "flushed" in harbour.listener.calls)
    harbour.now += 2.0
    # Anything makes it look at the clock.
    harbour.departure.drain()
    assert await running
    assert harbour.listener.calls[-1] == "stopped"


async def test_the_last_line_of_the_log_sums_up(caplog: pytest.LogCaptureFixture) -> None:
    harbour = Harbour()
    await harbour.begin(4)
    harbour.departure.exit()
    harbour.departure.exit()
    assert await harbour.run()
    with caplog.at_level("INFO"):
        harbour.departure.sum_up()
    (record,) = caplog.records
    assert record.message == "left"
    summary = {name: getattr(record, name) for name in ("connections", "closed", "cut_off", "forced", "close_p99")}
    assert summary == {"connections": 4, "closed": 4, "cut_off": 0, "forced": 0, "close_p99": 0.0}


def test_after_a_standstill_what_has_arrived_is_read_before_anybody_is_closed() -> None:
    """Else an event that is in the node's own receive buffer would be lost to whoever is closed first."""
    done: list[str] = []

    async def leave() -> None:
        loop = asyncio.get_running_loop()
        harbour = Harbour(settle=0.01)
        (ship,) = await harbour.begin(1)
        ship.on_end = lambda: done.append("closed")
        news, messenger = socket.socketpair()
        distraction, trigger = socket.socketpair()

        def read() -> None:
            done.append("read")
            loop.remove_reader(news)

        def stand_still() -> None:
            loop.remove_reader(distraction)
            harbour.now += 1.0
            time.sleep(0.05)
            messenger.send(b"an event")

        with news, messenger, distraction, trigger:
            loop.add_reader(news, read)
            running = asyncio.create_task(harbour.run())
            harbour.departure.exit()
            await harbour.until(lambda: harbour.lifecycle.state is State.SETTLING)
            loop.add_reader(distraction, stand_still)
            trigger.send(b"!")
            await running

    uvloop.run(leave())
    assert done == ["read", "closed"]
