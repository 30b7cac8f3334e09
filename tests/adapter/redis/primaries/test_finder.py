"""Finding the primary, with Sentinels that tell what the test has chosen."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest

from adapter.redis import RedisAdapter, RedisOptions
from adapter.redis.errors import Misconfigured
from adapter.redis.link.place import Place, Sentinel
from adapter.redis.primaries.finder import SentinelFinder
from tests.adapter.redis.recorder import Recorder
from tests.adapter.redis.servers import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.adapter.redis.servers import Server

NAME, NONE = "main", b"*-1\r\n"


class Told:
    """A Sentinel.

    :param primary: the port that it names; 0 for none.
    """

    def __init__(self, primary: int) -> None:
        self.port = 0
        self.asked = 0
        text = str(primary)
        self.answer = NONE if not primary else f"*2\r\n$9\r\n127.0.0.1\r\n${len(text)}\r\n{text}\r\n".encode()

    @property
    def place(self) -> Place:
        return Place("127.0.0.1", self.port)


class Asked(asyncio.Protocol):
    """A connection to a Sentinel, that asks one question."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._told.asked += 1
        self._transport.write(self._told.answer)


@asynccontextmanager
async def a_sentinel(primary: int) -> AsyncIterator[Told]:
    told = Told(primary)
    async with await asyncio.get_running_loop().create_server(lambda: Asked(told), "127.0.0.1", 0) as server:
        told.port = server.sockets[0].getsockname()[1]
        yield told


def a_finder(*sentinels: Place) -> SentinelFinder:
    return SentinelFinder(Sentinel(sentinels, NAME, Place()), RedisOptions(connect_timeout=1.0))


async def test_a_sentinel_that_is_cut_off_from_the_others_keeps_nobody_from_the_primary(server: Server) -> None:
    async with a_sentinel(free_port()) as cut_off, a_sentinel(server.port) as well:
        url = f"redis+sentinel://127.0.0.1:{cut_off.port},127.0.0.1:{well.port}/{NAME}"
        node = RedisAdapter([url], RedisOptions(prefix="test-cut-off"))
        try:
            async with asyncio.timeout(20):
                await node.start(Recorder())
        finally:
            await node.stop()


async def test_who_named_it_is_asked_first_unless_that_was_of_no_use() -> None:
    async with a_sentinel(1) as one, a_sentinel(2) as other:
        finder = a_finder(one.place, other.place)
        assert [(await finder.find()).port for _ in range(3)] == [1, 1, 1]
        finder.doubt()
        assert [(await finder.find()).port for _ in range(3)] == [2, 2, 2]


async def test_a_sentinel_that_tells_nothing_is_asked_again_when_the_others_do_not_either() -> None:
    """To ask it takes the whole time for a connection, where its host is gone."""
    async with a_sentinel(0) as silent, a_sentinel(2) as one, a_sentinel(3) as other:
        finder = a_finder(silent.place, one.place, other.place)
        found = []
        for _ in range(4):
            found.append((await finder.find()).port)
            finder.doubt()
        assert (found, silent.asked) == ([2, 3, 2, 3], 1)
        one.answer = other.answer = NONE
        with pytest.raises(Misconfigured, match="knows no primary"):
            await finder.find()
        assert silent.asked == 2
