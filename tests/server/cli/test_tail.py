"""``shoal tail``: what it prints, and when it comes back, against a stand-in for the server."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from subprocess import PIPE
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner
from websockets.asyncio.server import ServerConnection, serve
from websockets.sync.server import ServerConnection as SyncServerConnection
from websockets.sync.server import serve as serve_in_thread

from server.cli import app
from server.cli.subscriber import Show
from server.cli.tail import follow, human_line, json_line
from server.cli.target import Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from websockets.http11 import Request, Response

HELLO = '{"event":"pusher:connection_established","data":"{\\"socket_id\\":\\"1.2\\",\\"activity_timeout\\":30}"}'
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)


def an_event(data: str) -> str:
    return json.dumps({"event": "e", "channel": "c", "data": data})


def a_target(port: int) -> Target:
    return Target(f"127.0.0.1:{port}", False, "app-id", "app-key", b"app-secret")


class EnoughError(Exception):
    """Ends a client that would come back for ever."""


class Naps:
    """Takes the place of sleeping: keeps how long, and has enough after some."""

    def __init__(self, limit: int = 100) -> None:
        self.taken: list[float] = []
        self._limit = limit

    async def __call__(self, seconds: float) -> None:
        if len(self.taken) == self._limit:
            raise EnoughError
        self.taken.append(seconds)


@asynccontextmanager
async def serving(handler: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[Target]:
    async with serve(handler, "127.0.0.1", 0) as server:
        yield a_target(next(iter(server.sockets)).getsockname()[1])


async def test_events_are_shown_over_all_connections_until_the_server_refuses() -> None:
    codes = iter([(4200, "leaving"), (4100, "full"), (1001, ""), (4001, "no such app")])

    async def one_event_then_close(connection: ServerConnection) -> None:
        code, reason = next(codes)
        await connection.send(HELLO)
        subscription = json.loads(await connection.recv())
        await connection.send(an_event(f"{subscription['data']['channel']} {code}"))
        await connection.close(code, reason)

    shown: list[Show] = []
    naps = Naps()
    async with serving(one_event_then_close) as target:
        await follow(target, ["c"], show=shown.append, sleep=naps)
    assert [event.data for event in shown] == ["c 4200", "c 4100", "c 1001", "c 4001"]
    assert naps.taken == [0.0, 0.0, 1.0, 1.0]


async def test_client_that_is_sent_away_before_hello_does_not_come_in_a_loop() -> None:
    async def send_away(connection: ServerConnection) -> None:
        await connection.close(4200, "leaving")

    naps = Naps(limit=3)
    async with serving(send_away) as target:
        with pytest.raises(EnoughError):
            await follow(target, ["c"], show=print, sleep=naps)
    assert naps.taken == [0.0, 1.0, 1.0]


async def test_ping_is_answered_on_the_wire() -> None:
    answers: asyncio.Queue[str | bytes] = asyncio.Queue()

    async def ping(connection: ServerConnection) -> None:
        await connection.send('{"event":"pusher:ping","data":"{}"}')
        answers.put_nowait(await connection.recv())
        await connection.close(4001)

    async with serving(ping) as target:
        await follow(target, [], show=print)
    assert json.loads(answers.get_nowait()) == {"event": "pusher:pong", "data": {}}


async def test_connection_that_breaks_is_an_ordinary_reason_to_come_back() -> None:
    async def cut(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        connection.transport.abort()

    naps = Naps(limit=2)
    async with serving(cut) as target:
        with pytest.raises(EnoughError):
            await follow(target, [], show=print, sleep=naps)
    assert naps.taken == [0.0, 1.0]


async def test_server_that_is_not_there_is_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        target = a_target(unused.getsockname()[1])
    naps = Naps(limit=3)
    with pytest.raises(EnoughError):
        await follow(target, ["c"], show=print, sleep=naps)
    assert naps.taken == [0.0, 1.0, 1.0]
    assert capsys.readouterr().err.count(f"shoal: can't connect to {target.websocket_url}: ") == 3


async def test_what_a_proxy_makes_of_a_handshake_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    async def never(connection: ServerConnection) -> None:
        raise AssertionError("no handshake is completed")

    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus.UPGRADE_REQUIRED, "for WebSockets\n")

    naps = Naps(limit=2)
    async with serve(never, "127.0.0.1", 0, process_request=refuse) as server:
        target = a_target(next(iter(server.sockets)).getsockname()[1])
        with pytest.raises(EnoughError):
            await follow(target, ["c"], show=print, sleep=naps)
    assert f"shoal: {target.websocket_url} answers 426: for WebSockets; trying again\n" in capsys.readouterr().err


async def test_server_that_grants_no_channel_is_left() -> None:
    async def refuse(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        await connection.recv()
        await connection.send(json.dumps({"event": "pusher:subscription_error", "channel": "c", "data": "{}"}))
        await connection.wait_closed()

    shown: list[Show] = []
    async with serving(refuse) as target:
        await follow(target, ["c"], show=shown.append, sleep=Naps(limit=1))
    assert [event.event for event in shown] == ["pusher:subscription_error"]


async def test_reader_who_is_gone_ends_it() -> None:
    """A broken pipe is an OSError, as a failed connection is; it must not pass for one."""

    async def one_event(connection: ServerConnection) -> None:
        await connection.send(HELLO)
        await connection.send(an_event("x"))
        await connection.wait_closed()

    def broken(event: Show) -> None:
        raise BrokenPipeError

    async with serving(one_event) as target:
        with pytest.raises(BrokenPipeError):
            await follow(target, [], show=broken, sleep=Naps(limit=1))


def test_human_line_has_time_channel_event_and_data() -> None:
    assert human_line(Show("c", "e", '{"a":1}'), MOMENT) == '03:04:05.678 c e {"a":1}'


def test_human_line_can_not_harm_a_terminal() -> None:
    assert human_line(Show("c", "e", "\x1b[2J\n"), MOMENT) == "03:04:05.678 c e \\x1b[2J\\n"


def test_json_line_is_an_object() -> None:
    assert json.loads(json_line(Show("c", "e", "d"), MOMENT)) == {
        "time": "2026-01-02T03:04:05.678900+00:00",
        "channel": "c",
        "event": "e",
        "data": "d",
    }
    assert json.loads(json_line(Show("c", "e", "d", user_id="7"), MOMENT))["user_id"] == "7"


@contextmanager
def refusing_after_one_event() -> Iterator[str]:
    def handle(connection: SyncServerConnection) -> None:
        assert connection.request is not None
        assert connection.request.path.startswith("/app/app-key?protocol=7&client=shoal-tail&version=")
        connection.send(HELLO)
        connection.send(an_event("hello"))
        connection.close(4003, "Application disabled")

    with serve_in_thread(handle, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
    thread.join()


def test_command_prints_events_and_says_why_it_ends() -> None:
    with refusing_after_one_event() as url:
        result = CliRunner().invoke(app, ["tail", "c", "--url", url, "--json"])
    assert result.exit_code == 1
    assert [json.loads(line)["data"] for line in result.stdout.splitlines()] == ["hello"]
    assert result.stderr.splitlines() == [
        "shoal: closed: 4003 Application disabled",
        "shoal: the server refused for good",
    ]


def test_interrupting_the_command_is_its_ordinary_end() -> None:
    def one_event(connection: SyncServerConnection) -> None:
        connection.send(HELLO)
        connection.send(an_event("hello"))
        # Until the client is gone.
        for _ in connection:
            pass

    with serve_in_thread(one_event, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        command = [sys.executable, "-m", "server", "tail", "c", "--url", url]
        with subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, notes = process.communicate()
    thread.join()
    assert line.endswith(" c e hello\n")
    assert (process.returncode, notes) == (0, "")


def test_command_needs_a_channel() -> None:
    assert CliRunner().invoke(app, ["tail"]).exit_code == 2
