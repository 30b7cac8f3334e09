"""One connection without a network: the clock and the transport do as the test says."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

from server.listener import HttpLimits
from server.listener.http_protocol import HttpProtocol
from server.listener.listener import uvicorn_config
from server.listener.state import ListenerState
from tests.server.listener.fakes import FakeClock, FakeTransport
from tests.server.listener.live import GET, Gate, echo

SECONDS = 10.0
"""What a request may take here; an idle connection may rest for 75."""


def a_connection(app: Any = echo) -> tuple[HttpProtocol, FakeTransport, FakeClock]:
    clock, transport = FakeClock(), FakeTransport()
    state = ListenerState(HttpLimits(request_timeout=SECONDS), None, clock)
    connection = HttpProtocol(uvicorn_config(app), state, asyncio.get_running_loop())
    connection.connection_made(transport)
    return connection, transport, clock


async def answered(connection: HttpProtocol) -> None:
    """Wait until the applications that run have ended."""
    while connection.tasks:
        await asyncio.wait(connection.tasks)


# -- deadlines


async def test_a_drip_of_bytes_does_not_extend_the_deadline() -> None:
    connection, transport, clock = a_connection()
    for second, byte in enumerate(GET[:10]):
        clock.go_to(float(second))
        connection.data_received(bytes([byte]))
    assert transport.written == b""
    clock.go_to(10.0)
    assert transport.written.startswith(b"HTTP/1.1 408 ")
    assert transport.closed


async def test_a_client_that_takes_its_response_slowly_is_not_ended() -> None:
    connection, transport, clock = a_connection()
    transport.unsent = 1000
    connection.pause_writing()
    for now, transport.unsent in ((10.0, 900), (20.0, 800)):
        clock.go_to(now)
        assert not transport.aborted
    clock.go_to(30.0)
    assert transport.aborted


async def test_what_is_unsent_when_a_connection_ends_must_be_taken_in_time() -> None:
    connection, transport, clock = a_connection()
    connection.shutdown()
    assert transport.closed
    clock.go_to(9.9)
    assert not transport.aborted
    clock.go_to(10.0)
    assert transport.aborted


async def test_a_connection_that_was_accepted_too_late_is_ended() -> None:
    clock, transport = FakeClock(), FakeTransport()
    state = ListenerState(HttpLimits(), None, clock)
    state.is_closed = True
    HttpProtocol(uvicorn_config(echo), state, asyncio.get_running_loop()).connection_made(transport)
    assert transport.closed


async def test_a_lost_connection_waits_for_nothing() -> None:
    connection, transport, clock = a_connection()
    connection.data_received(GET[:10])
    connection.connection_lost(ConnectionResetError())
    clock.go_to(100.0)
    assert transport.written == b""
    assert not transport.aborted


async def test_a_client_that_reads_again_is_not_ended() -> None:
    connection, transport, clock = a_connection()
    connection.data_received(GET)
    await answered(connection)
    transport.unsent = 1000
    connection.pause_writing()
    connection.resume_writing()
    clock.go_to(2 * SECONDS)
    assert not transport.is_closing()


async def test_a_request_ends_the_rest_before_it() -> None:
    connection, transport, clock = a_connection()
    connection.data_received(GET)
    await answered(connection)
    transport.written = b""
    clock.go_to(70.0)
    connection.data_received(GET[:10])
    clock.go_to(76.0)
    assert transport.written == b""
    clock.go_to(80.0)
    assert transport.written.startswith(b"HTTP/1.1 408 ")


async def test_a_connection_that_rested_must_take_what_is_unsent_in_time() -> None:
    connection, transport, clock = a_connection()
    connection.data_received(GET)
    await answered(connection)
    clock.go_to(20.0)
    connection.shutdown()
    clock.go_to(20.0 + SECONDS)
    assert transport.aborted


# -- sizes


async def test_the_end_of_a_large_request_does_not_count_for_the_next() -> None:
    connection, transport, _ = a_connection()
    head, body = b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n", bytes(100000)
    connection.data_received(head + body[:50000])
    connection.data_received(body[50000:] + GET[:10])
    connection.data_received(GET[10:])
    await answered(connection)
    assert transport.written.count(b"HTTP/1.1 200 ") == 2


# -- the end


async def test_a_connection_lost_during_its_answers_is_let_go() -> None:
    gate = Gate()
    connection, transport, _ = a_connection(gate)
    gc.disable()
    try:
        connection.data_received(GET + GET + GET)
        await gate.entered.wait()
        connection.connection_lost(None)
        gate.opened.set()
        await answered(connection)
        freed = weakref.ref(connection)
        del connection
        assert gate.paths == ["/a"]
        assert transport.written == b""
        # A turn of the loop, as the task that has just ended is still on the stack of the one that was told.
        await asyncio.sleep(0)
        assert freed() is None
    finally:
        gc.enable()
