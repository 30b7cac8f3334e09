from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from server.listener.http_protocol import MAX_PIPELINED
from tests.server.listener.live import GET, HANDSHAKE, Gate, Upgrades, answer, body_of, connected, nobody_left

if TYPE_CHECKING:
    from tests.server.listener.live import Listen

CHUNKED = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def post(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST /a HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


# -- requests


async def test_a_request_reaches_the_application(listen: Listen) -> None:
    async with connected(await listen()) as client:
        response = await client.ask(post(b"hello", b"X-Custom: y"))
        assert (response.status, response.json["method"], response.json["body"]) == (200, "POST", "hello")
        assert response.json["headers"]["x-custom"] == "y"
        assert response.json["client"] == "127.0.0.1"
        assert response.json["scheme"] == "http"
        assert response.headers["date"].endswith("GMT")
        assert "server" not in response.headers


async def test_connections_are_kept_alive(listen: Listen) -> None:
    async with connected(await listen()) as client:
        for _ in range(3):
            assert (await client.ask(GET)).json["path"] == "/a"


async def test_a_request_in_single_bytes_is_the_same_request(listen: Listen) -> None:
    async with connected(await listen()) as client:
        at_once = await client.ask(post(b"hello", b"Connection: keep-alive"))
        for byte in post(b"hello", b"Connection: keep-alive"):
            await client.send_all(bytes([byte]))
        assert (await client.response()).json == at_once.json


async def test_the_application_starts_when_the_body_is_complete(listen: Listen) -> None:
    gate = Gate()
    listener = await listen(gate)
    async with connected(listener) as slow, connected(listener) as quick:
        slow.send(post(b"hello")[:-1])
        quick.send(GET)
        await gate.entered.wait()
        assert gate.paths == ["/a"]
        gate.opened.set()
        await quick.response()
        slow.send(b"o")
        assert (await slow.response()).status == 200


async def test_a_body_far_larger_than_a_read_arrives_whole(listen: Listen) -> None:
    async def measure(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, b"%d" % len(await body_of(receive)))

    async with connected(await listen(measure)) as client:
        assert (await client.ask(post(bytes(1_000_000)))).body == b"1000000"


async def test_a_client_that_asks_first_is_told_to_continue(listen: Listen) -> None:
    async with connected(await listen()) as client:
        head, body = post(b"hello", b"Expect: 100-continue")[:-5], b"hello"
        assert (await client.ask(head)).status == 100
        assert (await client.ask(body)).json["body"] == "hello"


async def test_trailers_are_not_headers(listen: Listen) -> None:
    async with connected(await listen()) as client:
        response = await client.ask(CHUNKED + b"5\r\nhello\r\n0\r\nX-Custom: y\r\n\r\n")
        assert response.json["body"] == "hello"
        assert "x-custom" not in response.json["headers"]


async def test_an_application_that_raises_answers_500(listen: Listen, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError(scope["path"])

    async with connected(await listen(broken)) as client:
        assert (await client.ask(GET)).status == 500
        assert await client.rest() == b""
    assert "LookupError" in caplog.text


async def test_clients_behind_proxies_are_who_the_proxies_say(listen: Listen) -> None:
    request = b"GET / HTTP/1.1\r\nX-Forwarded-For: 1.1.1.1, 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n"
    async with connected(await listen(trusted_hops=1)) as client:
        seen = (await client.ask(request)).json
        assert (seen["client"], seen["scheme"]) == ("203.0.113.9", "https")
    async with connected(await listen()) as client:
        seen = (await client.ask(request)).json
        assert (seen["client"], seen["scheme"]) == ("127.0.0.1", "http")


# -- pipelining


async def test_pipelined_requests_are_answered_in_order(listen: Listen) -> None:
    gate = Gate()
    async with connected(await listen(gate)) as client:
        client.send(b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % number for number in range(20)))
        await gate.entered.wait()
        gate.opened.set()
        assert [(await client.response()).body for _ in range(20)] == [b"/%d" % number for number in range(20)]


async def test_pipelined_bodies_belong_to_their_requests(listen: Listen) -> None:
    async with connected(await listen()) as client:
        requests = b"".join(post(b"%d" % number) for number in range(20))
        for cut in range(0, len(requests), 100):
            await client.send_all(requests[cut : cut + 100])
        assert [(await client.response()).json["body"] for _ in range(20)] == [str(number) for number in range(20)]


async def test_a_refusal_waits_for_the_answers_before_it(listen: Listen) -> None:
    gate = Gate()
    async with connected(await listen(gate)) as client:
        client.send(GET + GET + b"nonsense\r\n\r\n" + GET)
        await gate.entered.wait()
        gate.opened.set()
        assert [(await client.response()).status for _ in range(3)] == [200, 200, 400]
        assert await client.rest() == b""
    assert gate.paths == ["/a", "/a"]


async def test_a_body_over_the_limit_behind_another_request_is_refused_in_its_turn(listen: Listen) -> None:
    gate = Gate()
    async with connected(await listen(gate, max_body_bytes=10)) as client:
        client.send(GET + GET + CHUNKED + b"ff\r\n" + bytes(255))
        await gate.entered.wait()
        gate.opened.set()
        assert [(await client.response()).status for _ in range(3)] == [200, 200, 413]
    assert gate.paths == ["/a", "/a"]


async def test_too_many_pipelined_requests_are_refused(listen: Listen) -> None:
    gate = Gate()
    gate.opened.set()
    async with connected(await listen(gate)) as client:
        client.send(GET * (MAX_PIPELINED + 2))
        statuses = [(await client.response()).status for _ in range(MAX_PIPELINED + 2)]
        assert statuses == [200] * (MAX_PIPELINED + 1) + [429]
        assert await client.rest() == b""


# -- limits


async def test_headers_over_the_limit_are_refused(listen: Listen) -> None:
    async with connected(await listen()) as client:
        response = await client.ask(b"GET / HTTP/1.1\r\nX-Fill: " + b"x" * 9000 + b"\r\n\r\n")
        assert response.status == 431
        assert b"8192 bytes" in response.body
        assert response.headers["connection"] == "close"
        assert response.headers["content-type"].startswith("text/plain")
        assert await client.rest() == b""


async def test_headers_up_to_the_limit_are_accepted(listen: Listen) -> None:
    async with connected(await listen()) as client:
        assert (await client.ask(b"GET / HTTP/1.1\r\nX-Fill: " + b"x" * 8000 + b"\r\n\r\n")).status == 200
        many = b"".join(b"X-%d: 1\r\n" % number for number in range(700))
        assert (await client.ask(b"GET / HTTP/1.1\r\n" + many + b"\r\n")).status == 200


async def test_many_small_headers_are_too_much_as_well(listen: Listen) -> None:
    async with connected(await listen()) as client:
        assert (await client.ask(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 5000 + b"\r\n")).status == 431


@pytest.mark.parametrize(
    "endless",
    [
        pytest.param(b"GET / HTTP/1.1\r\nX-Fill: " + b"x" * 10_000_000, id="value"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"x" * 10_000_000, id="name"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 1_700_000, id="many"),
        pytest.param(b"GET /" + b"x" * 10_000_000, id="url"),
    ],
)
async def test_ten_megabytes_of_headers_are_refused_early(listen: Listen, endless: bytes) -> None:
    async with connected(await listen()) as client:
        await client.send_all(endless)
        assert (await client.response()).status in (414, 431)
        assert await client.rest() == b""


async def test_headers_that_trickle_are_counted(listen: Listen) -> None:
    async with connected(await listen(max_header_bytes=100)) as client:
        for piece in (b"GET / HTTP/1.1\r\nX-Fill: ", *[b"x" * 10] * 9):
            await client.send_all(piece)
        assert (await client.response()).status == 431


async def test_a_long_url_is_refused_by_its_own_name(listen: Listen) -> None:
    async with connected(await listen()) as client:
        assert (await client.ask(b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n")).status == 414


async def test_a_declared_length_over_the_limit_is_refused_at_once(listen: Listen) -> None:
    listener = await listen(max_body_bytes=1000)
    async with connected(listener) as client:
        response = await client.ask(b"POST / HTTP/1.1\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n")
        assert response.status == 413
        assert b"1000 bytes" in response.body
        assert response.headers["content-type"].startswith("text/plain")
        assert await client.rest() == b""
    assert listener.refused == {413: 1}


async def test_a_body_of_exactly_the_limit_is_accepted(listen: Listen) -> None:
    async with connected(await listen(max_body_bytes=1000)) as client:
        assert (await client.ask(post(b"x" * 1000))).status == 200
        assert (await client.ask(CHUNKED + b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n")).status == 200


async def test_a_chunked_body_over_the_limit_is_refused(listen: Listen) -> None:
    gate = Gate()
    async with connected(await listen(gate, max_body_bytes=1000)) as client:
        client.send(CHUNKED)
        for _ in range(3):
            await client.send_all(b"190\r\n" + b"x" * 400 + b"\r\n")
        assert (await client.response()).status == 413
        assert await client.rest() == b""
    assert gate.paths == []


@pytest.mark.parametrize(
    "endless", [b"1;" + b"x" * 100_000, b"0\r\nX-Fill: " + b"x" * 100_000], ids=["extension", "trailer"]
)
async def test_endless_framing_is_refused(listen: Listen, endless: bytes) -> None:
    async with connected(await listen(max_body_bytes=1000)) as client:
        client.send(CHUNKED)
        await client.send_all(endless)
        assert (await client.response()).status in (413, 431)


async def test_a_client_that_sends_everything_before_it_reads_gets_the_refusal(listen: Listen) -> None:
    async with connected(await listen(max_body_bytes=1000)) as client:
        await client.send_all(post(bytes(20_000_000)))
        assert (await client.response()).status == 413


# -- what is not HTTP


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\n\r\n",
        b"CONNECT /a HTTP/1.1\r\n\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\n\r\n",
        b"GET http://host?x HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        HANDSHAKE.replace(b"/app/k%65y", b"http://["),
    ],
)
async def test_what_is_not_http_is_refused(listen: Listen, garbage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with connected(await listen(on_upgrade=Upgrades())) as client:
        assert (await client.ask(garbage)).status == 400
        assert await client.rest() == b""
    assert caplog.records == []


async def test_mutated_requests_have_only_documented_answers(listen: Listen, caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(6001)
    listener = await listen(on_upgrade=Upgrades(), max_body_bytes=100, request_timeout=0.2)
    valid = [GET, post(b"hello"), CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", HANDSHAKE, GET + HANDSHAKE, post(bytes(101))]

    async def throw(request: bytes) -> None:
        async with connected(listener) as client:
            client.send(request)
            client.writer.write_eof()
            answered = await client.rest()
            assert not answered or answered[9:12] in (b"200", b"101", b"400", b"408", b"413", b"414", b"431"), request

    for _ in range(20):
        await asyncio.gather(*(throw(_mutated(chance, chance.choice(valid))) for _ in range(20)))
    await nobody_left(listener)
    assert caplog.records == []


def _mutated(chance: random.Random, request: bytes) -> bytes:
    mutant = bytearray(request)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(mutant))
        match chance.randrange(3):
            case 0:
                mutant[place] = chance.randrange(256)
            case 1:
                mutant[place:place] = chance.randbytes(chance.randint(1, 8))
            case _:
                del mutant[place : place + chance.randint(1, 8)]
                mutant += b"\r"
    return bytes(mutant)
