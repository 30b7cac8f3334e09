"""Both balancers do what the harness relies on."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.roll.balancer import HAProxy, OwnBalancer
from tests.roll.balancer.relay import Relays

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.roll.balancer.contract import Balancer

pytestmark = pytest.mark.roll

NAMES = ("one", "two", "three")


def _haproxy(backends: Mapping[str, int]) -> Balancer:
    program = shutil.which("haproxy")
    if program is None:
        pytest.skip("HAProxy is not installed")
    return HAProxy(backends, program)


@asynccontextmanager
async def _named_backends() -> AsyncIterator[dict[str, int]]:
    """Run servers that tell their name to whoever says something, and stay."""
    relays = Relays()

    async def serve(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            writer.write(name.encode() + b"\n")

    try:
        yield {name: await relays.listen(partial(serve, name)) for name in NAMES}
    finally:
        await relays.stop()


@pytest.fixture(params=[_haproxy, OwnBalancer], ids=["haproxy", "own"])
async def balancer(request: pytest.FixtureRequest) -> AsyncIterator[Balancer]:
    async with _named_backends() as backends, request.param(backends) as running:
        yield running


class Callers:
    """Connections through a balancer, which stay until the end of the test."""

    def __init__(self) -> None:
        self._all: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def call(self, port: int, number: int) -> Counter[str]:
        """Open connections one after the other, and return which backends they reached; none if they are cut."""
        first = len(self._all)
        names = Counter[str]()
        for place in range(first, first + number):
            self._all.append(await asyncio.open_connection("127.0.0.1", port))
            names[await self.ask(place)] += 1
        return names

    async def ask(self, place: int) -> str:
        """Return which backend one of them reaches."""
        reader, writer = self._all[place]
        try:
            writer.write(b"?")
            return (await reader.readline()).decode().strip()
        except ConnectionError:
            return ""

    def close(self) -> None:
        for _, writer in self._all:
            writer.transport.abort()


@pytest.fixture
async def callers() -> AsyncIterator[Callers]:
    callers = Callers()
    yield callers
    callers.close()


async def test_nobody_is_listed_in_the_beginning(balancer: Balancer, callers: Callers) -> None:
    assert await callers.call(balancer.clients_port, 1) == {"": 1}


async def test_new_backend_gets_all_clients_until_it_has_as_many(balancer: Balancer, callers: Callers) -> None:
    await balancer.enlist("one")
    await balancer.enlist("two")
    assert await callers.call(balancer.clients_port, 8) == {"one": 4, "two": 4}
    await balancer.enlist("three")
    assert await callers.call(balancer.clients_port, 4) == {"three": 4}


async def test_api_connections_go_to_backends_in_turn(balancer: Balancer, callers: Callers) -> None:
    for name in NAMES:
        await balancer.enlist(name)
    assert await callers.call(balancer.api_port, 6) == dict.fromkeys(NAMES, 2)


async def test_delisted_backend_keeps_its_connections_and_gets_no_more(balancer: Balancer, callers: Callers) -> None:
    await balancer.enlist("one")
    await callers.call(balancer.clients_port, 1)
    await balancer.enlist("two")
    await balancer.delist("one")
    assert await callers.ask(0) == "one"
    for port in (balancer.clients_port, balancer.api_port):
        assert await callers.call(port, 3) == {"two": 3}
