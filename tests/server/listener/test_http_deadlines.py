"""Deadlines on live connections. Time passes when the test says so."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.listener.live import (
    GET,
    HANDSHAKE,
    PATIENCE,
    Gate,
    Upgrades,
    answer,
    connected,
    is_receiving,
    is_stuck,
    nobody_left,
    stop_time,
    until,
)

if TYPE_CHECKING:
    from tests.server.listener.live import Listen

TIMEOUT = 10.0
OVER = 1.1 * TIMEOUT


async def test_a_silent_connection_is_ended_without_a_word(listen: Listen) -> None:
    listener = await listen(request_timeout=TIMEOUT)
    clock = stop_time(listener)
    async with connected(listener) as client:
        await until(lambda: listener.connections == 1)
        clock.go_to(OVER)
        assert await client.rest() == b""
    assert listener.connections == 0


async def test_empty_lines_are_silence(listen: Listen) -> None:
    async with connected(await listen(request_timeout=0.2)) as client:
        client.send(b"\r\n\r\n")
        assert await client.rest() == b""


@pytest.mark.parametrize(
    "partial",
    [b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX-Half", b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell"],
    ids=["byte", "head", "body"],
)
@pytest.mark.parametrize("earlier", [b"", GET], ids=["first", "second"])
async def test_a_slow_request_is_answered_408(listen: Listen, earlier: bytes, partial: bytes) -> None:
    listener = await listen(request_timeout=TIMEOUT)
    clock = stop_time(listener)
    async with connected(listener) as client:
        if earlier:
            await client.ask(earlier)
        client.send(partial)
        await until(lambda: is_receiving(listener))
        clock.go_to(OVER)
        response = await client.response()
        assert response.status == 408
        assert response.headers["connection"] == "close"
        assert await client.rest() == b""
    assert listener.connections == 0


async def test_an_application_may_take_longer_than_a_client(listen: Listen) -> None:
    gate = Gate()
    listener = await listen(gate, request_timeout=TIMEOUT)
    clock = stop_time(listener)
    async with connected(listener) as slow:
        slow.send(GET)
        await gate.entered.wait()
        clock.go_to(3 * OVER)
        gate.opened.set()
        assert (await slow.response()).status == 200


async def test_a_request_begun_behind_a_slow_answer_is_not_blamed(listen: Listen) -> None:
    gate = Gate()
    listener = await listen(gate, request_timeout=TIMEOUT)
    clock = stop_time(listener)
    async with connected(listener) as client:
        client.send(GET + GET[:10])
        await gate.entered.wait()
        clock.go_to(3 * OVER)
        gate.opened.set()
        assert (await client.response()).status == 200
        assert (await client.ask(GET[10:])).status == 200


async def test_an_idle_connection_is_ended_without_a_word(listen: Listen) -> None:
    listener = await listen(keep_alive_timeout=TIMEOUT)
    clock = stop_time(listener)
    async with connected(listener) as client:
        assert (await client.ask(GET)).status == 200
        clock.go_to(OVER)
        assert await client.rest() == b""


async def test_an_idle_connection_outlives_the_deadline_of_requests(listen: Listen) -> None:
    listener = await listen(request_timeout=TIMEOUT)
    clock = stop_time(listener)
    async with connected(listener) as idle:
        await idle.ask(GET)
        clock.go_to(3 * OVER)
        assert (await idle.ask(GET)).status == 200


async def test_a_websocket_has_no_deadline_here(listen: Listen) -> None:
    upgrades = Upgrades()
    listener = await listen(on_upgrade=upgrades, request_timeout=TIMEOUT, keep_alive_timeout=TIMEOUT)
    clock = stop_time(listener)
    async with connected(listener) as websocket:
        assert (await websocket.ask(HANDSHAKE)).status == 101
        clock.go_to(3 * OVER)
        websocket.send(b"still here")
        async with asyncio.timeout(PATIENCE):
            await upgrades.peers[0].fed.wait()


async def test_a_refused_client_that_goes_on_and_on_is_ended(listen: Listen) -> None:
    listener = await listen(request_timeout=TIMEOUT)
    clock = stop_time(listener)
    async with connected(listener) as client:
        assert (await client.ask(b"nonsense\r\n\r\n")).status == 400
        clock.go_to(OVER)
        await nobody_left(listener)


async def test_a_client_that_does_not_take_its_response_is_ended(listen: Listen) -> None:
    async def flood(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, bytes(50_000_000))

    listener = await listen(flood, request_timeout=TIMEOUT)
    clock = stop_time(listener)
    with socket.create_connection(("127.0.0.1", listener.port)) as client:
        client.send(GET)
        await until(lambda: is_stuck(listener))

        def is_ended_by_and_by() -> bool:
            """Let time pass; its kernel may still take something in the first of it."""
            clock.go_to(clock.now + OVER)
            return listener.connections == 0

        await until(is_ended_by_and_by)


async def test_no_connection_has_a_timer_of_its_own(listen: Listen) -> None:
    listener = await listen(keep_alive_timeout=75.0)
    loop: Any = asyncio.get_running_loop()
    if not hasattr(loop, "_scheduled"):
        pytest.skip("only asyncio's own loop shows its timers")
    clients = [connected(listener) for _ in range(20)]
    opened = [await client.__aenter__() for client in clients]
    before = len(loop._scheduled)
    for client in opened:
        await client.ask(GET)
    assert len([timer for timer in loop._scheduled if not timer.cancelled()]) <= before + 2
    for context in clients:
        await context.__aexit__(None, None, None)
