"""Back ends that answer as no back end should: each costs itself one failure, and the node nothing."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from contextlib import AsyncExitStack
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from server.webhooks.resolver import Resolver
from server.webhooks.sender import Outcome, Sender
from tests.harness.raw_server import NO_CONTENT, raw_server, saying

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.harness.raw_server import Answer

BEGUN = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LARGE = 10_000_000
TOKEN = "?token=sesame"


@pytest.fixture
async def hasty() -> AsyncIterator[Sender]:
    """One that soon gives up."""
    sender = Sender(timeout=0.6, most_connections=4)
    yield sender
    await sender.close()


def ending(answer: Answer, *, with_reset: bool = False) -> Answer:
    """Return what hangs up after that."""

    async def answer_and_end(writer: asyncio.StreamWriter) -> None:
        await answer(writer)
        await asyncio.sleep(0.05)
        if with_reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        writer.close()

    return answer_and_end


async def forever(writer: asyncio.StreamWriter, text: bytes = b"1\r\nx\r\n") -> None:
    while True:
        writer.write(text)
        await writer.drain()
        await asyncio.sleep(0)


async def post(sender: Sender, answer: Answer, times: int = 1) -> tuple[Outcome, int]:
    """Return what became of the last of some requests, and how many connections it took."""
    async with raw_server(answer) as server:
        for _ in range(times):
            outcome = await sender.post(f"http://{server.authority}/hook{TOKEN}", b"{}", {})
        return outcome, server.connections


@pytest.mark.parametrize(
    "answer",
    [
        saying(*[bytes([byte]) for byte in NO_CONTENT], pause=0.1),
        saying(),
        saying(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    ],
    ids=["byte by byte", "nothing", "promises only"],
)
async def test_no_answer_in_time_is_a_timeout(hasty: Sender, answer: Answer) -> None:
    assert await post(hasty, answer) == (Outcome("timeout", "no answer within 0.6 s"), 1)


@pytest.mark.parametrize(
    "answer",
    [
        saying(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + NO_CONTENT),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: gzip\r\n\r\nno"),
        ending(saying(b"HTTP/1.0 200 OK\r\n\r\nuntil the end")),
        saying(BEGUN),
        saying(BEGUN + b"5\r\nhal"),
        ending(saying(BEGUN + b"5\r\nhal"), with_reset=True),
        ending(saying(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\nshort")),
    ],
    ids=["promises first", "no gzip", "old", "no body", "half a chunk", "reset", "cut short"],
)
async def test_what_follows_a_2xx_makes_no_difference(answer: Answer) -> None:
    # What doesn't end takes all the time there is.
    sender = Sender(timeout=1.5, most_connections=4)
    assert (await post(sender, answer))[0] == Outcome("delivered")
    await sender.close()


async def test_an_answer_without_an_end_is_not_read_to_its_end(sender: Sender) -> None:
    sent = 0

    async def answer(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
        while sent < LARGE:
            writer.write(b"x" * 10_000)
            sent += 10_000
            await writer.drain()

    assert await post(sender, answer) == (Outcome("delivered"), 1)
    # What the kernel took for itself is in it.
    assert sent < LARGE


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (ending(saying()), "hung up without an answer"),
        (ending(saying(), with_reset=True), "reset"),
        (ending(saying(b"HTTP/1.1 200")), "hung up without an answer"),
        (saying(b"SSH-2.0-OpenSSH\r\n\r\n"), "answered what is no HTTP"),
        (saying(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000), "answered what is no HTTP"),
        (saying(b"HTTP/1.1 200 OK\r\n", *[b"X-%d: y\r\n" % number for number in range(100_000)]), "no HTTP"),
    ],
    ids=["closed", "reset", "half a line", "garbage", "long header", "many headers"],
)
async def test_what_is_no_answer_is_told_in_words_without_the_token(sender: Sender, answer: Answer, why: str) -> None:
    outcome, _ = await post(sender, answer)
    assert outcome.result == "unreachable"
    assert why in outcome.why
    assert "sesame" not in outcome.why


@pytest.mark.parametrize("status", [101, 304, 429])
async def test_other_answers_are_refusals(sender: Sender, status: int) -> None:
    answer = saying(b"HTTP/1.1 %d Hm\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n" % status)
    assert await post(sender, answer) == (Outcome("refused", f"answered {status}"), 1)


@pytest.mark.parametrize("answer", [saying(NO_CONTENT), saying(b"HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nno!")])
async def test_a_connection_is_used_again_after_an_answer_that_ended(sender: Sender, answer: Answer) -> None:
    assert (await post(sender, answer, times=3))[1] == 1


async def test_idle_connections_are_kept_to_so_many_hosts(sender: Sender) -> None:
    async with AsyncExitStack() as stack:
        one, two, three = [await stack.enter_async_context(raw_server(saying(NO_CONTENT))) for _ in range(3)]
        for server in (one, two, three) * 2:
            assert await sender.post(f"http://{server.authority}/", b"{}", {}) == Outcome("delivered")
    assert [server.connections for server in (one, two, three)] == [1, 1, 2]
    assert b"connection: close" in three.requests[0][0].lower()


async def test_a_request_is_what_was_asked_for_to_the_byte(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    # A proxy that isn't there: who asked it would not get through.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    headers = {"Content-Type": "application/json", "Authorization": 'odd, "quoted"; q=\\1 %20 ', "X-Empty": ""}
    path = "/a%2fb/../{c}//?sig=a%2Bb%3d&x=[1]"
    answer = saying(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")
    async with raw_server(answer) as server:
        for _ in range(2):
            outcome = await sender.post(f"http://{server.authority}{path}", '{"é":1}'.encode(), headers)
            assert outcome == Outcome("delivered")
    lines = server.requests[1][0].split(b"\r\n")
    assert lines[0] == b"POST /a%2fb/../%7Bc%7D//?sig=a%2Bb%3d&x=[1] HTTP/1.1"
    assert b"Content-Type: application/json" in lines
    assert b'Authorization: odd, "quoted"; q=\\1 %20 ' in lines
    assert b"X-Empty: " in lines
    assert not any(line.lower().startswith((b"cookie", b"accept-encoding", b"expect")) for line in lines)
    assert server.requests[1][1] == '{"é":1}'.encode()


async def test_a_certificate_has_to_be_good(sender: Sender) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with raw_server(saying(NO_CONTENT), context=context) as server:
        outcome = await sender.post(f"https://{server.authority}/{TOKEN}", b"{}", {})
        assert server.requests == []
    assert outcome.result == "unreachable"
    assert "certificate verify failed" in outcome.why


async def test_tls_is_not_answered_in_the_clear(hasty: Sender) -> None:
    async with raw_server(saying(NO_CONTENT)) as server:
        outcome = await hasty.post(f"https://{server.authority}/{TOKEN}", b"{}", {})
    assert outcome.result in {"unreachable", "timeout"}


async def test_names_that_nobody_answers_for_hold_up_no_others() -> None:
    may_answer = Event()

    def look_up(host: str, *more: Any) -> list[Any]:
        if host.startswith("silent"):
            may_answer.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "try again later")
        return socket.getaddrinfo("127.0.0.1", *more)

    sender = Sender(timeout=30.0, most_connections=64, resolver=Resolver(look_up))
    async with raw_server(saying(NO_CONTENT)) as server:
        try:
            async with asyncio.TaskGroup() as tasks:
                silent = [tasks.create_task(sender.post(f"http://silent{n}.test/", b"{}", {})) for n in range(40)]
                await asyncio.sleep(0)
                outcome = await sender.post(f"http://quick.test:{server.port}/", b"{}", {})
                assert outcome == Outcome("delivered")
                assert not any(task.done() for task in silent)
                may_answer.set()
        finally:
            may_answer.set()
            await sender.close()
    assert silent[7].result() == Outcome("unreachable", "can't connect to silent7.test: try again later")
