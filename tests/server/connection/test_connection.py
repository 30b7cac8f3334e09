from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from server.connection.connection import TURN, Connection
from server.connection.websocket import WebSocket
from server.protocol import codes
from server.protocol.session import Session
from tests import frames
from tests.frames import close_frame, frame
from tests.server.hub.stage import APP, Stage
from tests.server.protocol import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SOCKET_ID = "12.34"


class FakeTransport:
    """A transport that writes down what it is told to do."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.is_closed = False
        self.was_aborted = False
        self.is_paused = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed, "nobody would get this"
        self.written += data

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def abort(self) -> None:
        self.was_aborted = True

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def get_write_buffer_size(self) -> int:
        return 7

    def take(self) -> list[str]:
        """Return what was written since the last time: events, and the codes of close frames."""
        found, end = frames.split(self.written)
        assert end == len(self.written)
        self.written.clear()
        return [
            str(int.from_bytes(payload[:2])) if opcode == frames.CLOSE else str(wire.read(payload)["event"])
            for opcode, payload in found
            if opcode in (frames.TEXT, frames.CLOSE)
        ]


class Line:
    """A connection between its transport and its hub."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.transport = FakeTransport()
        self.lost = 0
        self.connection = Connection(
            cast("asyncio.Transport", self.transport),
            WebSocket(max_message_bytes=8192),
            hub=stage.hub,
            on_lost=self._note_lost,
        )

    def _note_lost(self, _: Connection) -> None:
        self.lost += 1

    def establish(self) -> None:
        self.stage.adapter.admit(APP.id, None)
        session = Session(APP, SOCKET_ID, now=self.stage.now)
        self.connection.establish(session, self.stage.metrics.of(APP.id), 30.0)

    def say(self, raw: bytes) -> None:
        self.connection.data_received(frame(raw))

    async def hear_all(self, count: int) -> list[str]:
        """Return the next events when there are so many, however many turns that takes."""
        events = self.transport.take()
        async with asyncio.timeout(20):
            while len(events) < count:
                await asyncio.sleep(0)
                events += self.transport.take()
        return events

    def gather(self, payload: bytes) -> None:
        """Have an event gathered for the channel that the client is in; it isn't written in this tick."""
        self.stage.publish("news", payload)
        self.stage.perform()
        self.stage.call_back()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage(asyncio.get_running_loop())
    await stage.start()
    yield stage
    await stage.stop()


@pytest.fixture
async def line(stage: Stage) -> Line:
    """Return one that is established and subscribed to `news`."""
    line = Line(stage)
    line.establish()
    line.say(wire.subscribe("news"))
    await stage.settle()
    assert line.transport.take() == ["pusher:connection_established", "pusher_internal:subscription_succeeded"]
    return line


def ping() -> bytes:
    return wire.message("pusher:ping")


# Coming


def test_a_client_is_greeted_first_and_heard_then(stage: Stage) -> None:
    line = Line(stage)
    line.say(ping())
    assert line.transport.take() == []
    line.establish()
    assert line.transport.take() == ["pusher:connection_established", "pusher:pong"]
    assert list(stage.hub.clients) == [SOCKET_ID]


def test_who_waits_for_admission_is_not_read_from_until_it_is_decided(stage: Stage) -> None:
    line = Line(stage)
    line.connection.await_admission()
    assert line.transport.is_paused
    line.establish()
    assert not line.transport.is_paused


def test_who_is_refused_is_told_why_in_an_error_and_a_close(stage: Stage) -> None:
    line = Line(stage)
    line.connection.await_admission()
    stage.hub.turn_away(line.connection, codes.APP_OVER_QUOTA)
    assert line.transport.take() == ["pusher:error", "4004"]
    assert not line.transport.is_paused, "its answer to the close is to be read"
    line.say(ping())
    assert line.transport.take() == []
    line.connection.data_received(close_frame(4004))
    assert line.transport.is_closed


def test_who_goes_while_it_waits_was_never_there(stage: Stage) -> None:
    line = Line(stage)
    line.connection.connection_lost(None)
    assert line.lost == 1
    assert not line.connection.is_greeting
    assert not stage.hub.closing


# Being there


async def test_all_that_a_read_holds_is_answered_in_its_order(line: Line) -> None:
    data = [frame(ping()), frame(b"x" * 70_000), frame(b"\x00", frames.BINARY), frame(b"{"), frame(ping())]
    line.connection.data_received(b"".join(data))
    events = await line.hear_all(5)
    assert events == ["pusher:pong", "pusher:error", "pusher:error", "pusher:error", "pusher:pong"]


async def test_anything_that_is_heard_counts_as_a_sign_of_life(line: Line) -> None:
    line.stage.now += 20.0
    line.connection.data_received(frame(b"", frames.PONG)[:1])
    assert line.connection.session.last_heard == line.stage.now


async def test_a_slow_client_is_noted_until_it_has_caught_up(line: Line) -> None:
    line.connection.pause_writing()
    assert line.stage.hub.slow == {line.connection}
    assert line.connection.unsent == 7
    line.connection.resume_writing()
    assert line.stage.hub.slow == set()


# Fairness


async def test_what_one_client_sends_at_once_is_handled_in_turns_with_others(line: Line) -> None:
    line.connection.data_received(frame(ping()) * 1000)
    answered = [len(line.transport.take())]
    assert line.transport.is_paused
    while sum(answered) < 1000:
        await asyncio.sleep(0)
        answered.append(len(line.transport.take()))
    # Each turn is of some kilobytes, and begins where the one before it ended.
    assert sum(answered) == 1000
    assert max(answered) <= TURN // len(frame(ping())) + 1
    assert not line.transport.is_paused


async def test_what_comes_while_something_waits_for_its_turn_comes_after_it(line: Line) -> None:
    line.connection.data_received(frame(ping()) * 500)
    line.connection.data_received(frame(b"{"))
    assert await line.hear_all(501) == ["pusher:pong"] * 500 + ["pusher:error"]


async def test_a_client_that_takes_nothing_is_not_listened_to_until_it_does(line: Line) -> None:
    line.connection.pause_writing()
    line.connection.data_received(frame(ping()))
    await asyncio.sleep(0)
    assert line.transport.take() == []
    assert line.transport.is_paused
    line.connection.resume_writing()
    await asyncio.sleep(0)
    assert line.transport.take() == ["pusher:pong"]
    assert not line.transport.is_paused


async def test_a_client_that_takes_nothing_can_still_be_ended_and_answer_that(line: Line) -> None:
    line.connection.pause_writing()
    line.connection.data_received(frame(ping()))
    line.stage.hub.close(line.connection, codes.SLOW_CONSUMER)
    assert line.transport.take() == ["pusher:error", "4100"]
    await asyncio.sleep(0)
    assert not line.transport.is_paused
    line.connection.data_received(frame((4100).to_bytes(2), frames.CLOSE))
    assert line.transport.is_closed


# Going


@pytest.mark.parametrize(
    ("data", "code"),
    [(close_frame(1000), "1000"), (frame(b"x", mask=None), "1002"), (frame(b"\x03\xe8\xff", frames.CLOSE), "1007")],
    ids=["a close", "a breach", "a close that is a breach"],
)
async def test_whoever_ends_it_what_was_gathered_comes_before_the_close(line: Line, data: bytes, code: str) -> None:
    line.gather(b'{"event":"last"}')
    line.connection.data_received(data)
    assert line.transport.take() == ["last", code]
    assert line.transport.is_closed
    await line.stage.settle()
    assert not line.stage.hub.clients
    assert not line.stage.hub.channels


async def test_what_comes_before_a_close_in_the_same_read_is_answered(line: Line) -> None:
    line.connection.data_received(frame(ping()) + close_frame(1001) + frame(ping()))
    assert line.transport.take() == ["pusher:pong", "1001"]
    assert line.stage.metrics.of(APP.id).closed == {1001: 1}


async def test_nothing_is_answered_after_our_own_close(line: Line) -> None:
    line.stage.hub.close(line.connection, codes.SERVER_LEAVING)
    line.say(ping())
    line.stage.hub.close(line.connection, codes.OVER_CAPACITY)
    assert line.transport.take() == ["pusher:error", "4200"]
    assert not line.transport.is_closed, "the peer has yet to answer"
    line.connection.data_received(close_frame(4200))
    assert line.transport.is_closed


async def test_an_end_without_a_close_is_abnormal(line: Line) -> None:
    line.gather(b'{"event":"lost"}')
    line.connection.connection_lost(ConnectionResetError())
    assert line.stage.metrics.of(APP.id).closed == {1006: 1}
    assert line.lost == 1
    assert not line.stage.hub.clients
    assert not line.stage.hub.closing


async def test_after_its_end_a_connection_takes_no_notice_of_anything(line: Line) -> None:
    line.connection.connection_lost(None)
    line.transport.is_closed = True
    line.connection.write(b"x")
    line.connection.end(codes.SERVER_LEAVING)
    line.connection.abort()
    line.connection.hang_up()
    assert line.connection.unsent == 0
    assert not line.transport.was_aborted
