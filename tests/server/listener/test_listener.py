from __future__ import annotations

import asyncio
import gc
import os
import signal
import ssl
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import trustme

from server.listener import Listener, ListenError, tls_context
from tests.server.listener.live import (
    GET,
    HANDSHAKE,
    PATIENCE,
    Gate,
    Upgrades,
    connected,
    echo,
    nobody_left,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.listener.live import Listen


# -- start


async def test_the_port_is_the_one_that_was_found(listen: Listen) -> None:
    listener = await listen()
    assert listener.port > 0
    assert listener.address == f"127.0.0.1:{listener.port}"


async def test_a_port_in_use_is_an_error_and_leaves_nothing_open(listen: Listen) -> None:
    first = await listen()
    second = Listener(echo, port=first.port)
    with pytest.raises(ListenError, match=f"127.0.0.1:{first.port}: it is in use"):
        await second.start()
    await second.stop(grace=0)
    async with connected(first) as client:
        assert (await client.ask(GET)).status == 200


async def test_two_listeners_share_a_loop_and_nothing_else(listen: Listen) -> None:
    gate = Gate()
    gate.opened.set()
    api, metrics = await listen(echo, max_body_bytes=1), await listen(gate)
    async with connected(api) as one, connected(metrics) as other:
        assert (await one.ask(GET)).json["path"] == "/a"
        assert (await other.ask(GET)).body == b"/a"
        await metrics.stop(grace=PATIENCE)
        assert (await one.ask(GET)).status == 200


async def test_sigterm_is_not_for_the_listener(listen: Listen) -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    try:
        listener = await listen()
        async with connected(listener) as client:
            os.kill(os.getpid(), signal.SIGTERM)
            await told.wait()
            assert (await client.ask(GET)).status == 200
        async with connected(listener) as late:
            assert (await late.ask(GET)).status == 200
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


# -- stop


async def test_stop_before_start_does_nothing() -> None:
    await Listener(echo).stop(grace=0)


async def test_after_stop_nobody_listens(listen: Listen) -> None:
    listener = await listen()
    await listener.stop(grace=PATIENCE)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", listener.port)
    await listener.stop(grace=PATIENCE)


async def test_stop_ends_idle_connections_and_lets_requests_finish(listen: Listen) -> None:
    gate = Gate()
    listener = await listen(gate)
    async with connected(listener) as idle, connected(listener) as busy:
        gate.opened.set()
        await idle.ask(GET)
        gate.opened.clear()
        gate.entered.clear()
        busy.send(GET)
        await gate.entered.wait()
        stopping = asyncio.create_task(listener.stop(grace=PATIENCE))
        assert await idle.rest() == b""
        gate.opened.set()
        response = await busy.response()
        assert (response.status, response.headers["connection"]) == (200, "close")
        assert await busy.rest() == b""
        await stopping
    assert listener.connections == 0


async def test_stop_ends_a_connection_whose_response_had_promised_to_keep_it(listen: Listen) -> None:
    opened = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await opened.wait()
        await send({"type": "http.response.body", "body": b"ok"})

    listener = await listen(slow)
    async with connected(listener) as client:
        client.send(GET)
        assert b"keep-alive" not in await client.reader.readuntil(b"\r\n\r\n")
        stopping = asyncio.create_task(listener.stop(grace=PATIENCE))
        await asyncio.sleep(0)
        opened.set()
        assert await client.rest() == b"ok"
        await stopping


async def test_stop_lets_a_request_that_has_begun_arrive(listen: Listen) -> None:
    listener = await listen()
    async with connected(listener) as client, connected(listener) as witness:
        await client.ask(GET)
        client.send(GET[:10])
        await witness.ask(GET)
        stopping = asyncio.create_task(listener.stop(grace=PATIENCE))
        assert await witness.rest() == b""
        response = await client.ask(GET[10:])
        assert (response.status, response.headers["connection"]) == (200, "close")
        await stopping


async def test_stop_waits_no_longer_than_its_grace(listen: Listen, caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    listener = await listen(gate)
    async with connected(listener) as client:
        client.send(GET)
        await gate.entered.wait()
        await listener.stop(grace=0.01)
        assert await client.rest() == b""
    assert "1 requests are cut off" in caplog.text
    assert listener.connections == 0


async def test_a_cancelled_stop_cuts_off_at_once(listen: Listen) -> None:
    gate = Gate()
    listener = await listen(gate)
    async with connected(listener) as client:
        client.send(GET)
        await gate.entered.wait()
        stopping = asyncio.create_task(listener.stop(grace=PATIENCE))
        await asyncio.sleep(0)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        assert await client.rest() == b""


async def test_stop_leaves_websockets_alone(listen: Listen) -> None:
    upgrades = Upgrades()
    listener = await listen(on_upgrade=upgrades)
    async with connected(listener) as client:
        await client.ask(HANDSHAKE)
        await listener.stop(grace=PATIENCE)
        client.send(b"still here")
        async with asyncio.timeout(PATIENCE):
            await upgrades.peers[0].fed.wait()


# -- draining


async def test_while_draining_every_response_ends_its_connection(listen: Listen) -> None:
    listener = await listen()
    async with connected(listener) as client:
        assert "connection" not in (await client.ask(GET)).headers
        listener.draining = True
        assert (await client.ask(GET)).headers["connection"] == "close"
        assert await client.rest() == b""
    async with connected(listener) as client:
        assert (await client.ask(GET)).headers["connection"] == "close"
    listener.draining = False
    async with connected(listener) as client:
        await client.ask(GET)
        assert "connection" not in (await client.ask(GET)).headers


async def test_draining_reaches_a_request_that_has_begun(listen: Listen) -> None:
    gate = Gate()
    listener = await listen(gate)
    async with connected(listener) as client:
        client.send(GET)
        await gate.entered.wait()
        listener.draining = True
        gate.opened.set()
        assert (await client.response()).headers["connection"] == "close"


async def test_while_draining_upgrades_are_still_handed_over(listen: Listen) -> None:
    listener = await listen(on_upgrade=Upgrades())
    listener.draining = True
    async with connected(listener) as client:
        assert (await client.ask(HANDSHAKE)).status == 101


# -- what is freed


async def test_an_ended_connection_is_freed_without_the_collector(listen: Listen) -> None:
    listener = await listen(request_timeout=0.2)
    state = listener._state
    assert state is not None
    gc.collect()
    gc.disable()
    try:
        for request in (GET, b"", b"nonsense\r\n\r\n", GET[:10], GET + GET):
            async with connected(listener) as client:
                client.send(request)
                if request:
                    await client.reader.read(1)
            await nobody_left(listener)
        while state.tasks:
            await asyncio.wait(state.tasks)
        assert [thing for thing in gc.get_objects() if type(thing).__name__ == "HttpProtocol"] == []
    finally:
        gc.enable()


async def test_a_client_that_leaves_in_the_middle_is_not_an_error(
    listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    listener = await listen(gate)
    for request in (GET[:10], b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell", GET):
        async with connected(listener) as client:
            client.send(request)
            if request == GET:
                await gate.entered.wait()
        await nobody_left(listener)
    gate.opened.set()
    await listener.stop(grace=PATIENCE)
    assert caplog.records == []


# -- TLS


class Certificate(NamedTuple):
    """What a listener has of one, and what a client needs to believe it."""

    place: dict[str, ssl.SSLContext]
    trust: ssl.SSLContext


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return Certificate({"tls": tls_context(tmp_path / "cert.pem", tmp_path / "key.pem")}, client)


async def test_tls_is_served(listen: Listen, certificate: Certificate) -> None:
    place, trust = certificate
    upgrades = Upgrades()
    listener = await listen(place=place, on_upgrade=upgrades)
    async with connected(listener, tls=trust) as client:
        assert (await client.ask(GET)).json["scheme"] == "https"
        await client.ask(HANDSHAKE + b"rest")
        assert upgrades.peers[0].received == b"rest"
        assert upgrades.seen[0].is_tls
        assert listener.connections == 0


async def test_tls_refusals_are_read(listen: Listen, certificate: Certificate) -> None:
    place, trust = certificate
    async with connected(await listen(place=place), tls=trust) as client:
        await client.send_all(b"GET / HTTP/1.1\r\nX-Fill: " + b"x" * 1_000_000)
        assert (await client.response()).status == 431


async def test_under_tls_nothing_is_kept_either(listen: Listen, certificate: Certificate) -> None:
    place, trust = certificate
    upgrades = Upgrades()
    listener = await listen(place=place, on_upgrade=upgrades)
    gc.disable()
    try:
        async with connected(listener, tls=trust) as client:
            await client.ask(HANDSHAKE)
            assert upgrades.before[0]() is None
    finally:
        gc.enable()


async def test_a_client_that_never_begins_tls_is_ended(listen: Listen, certificate: Certificate) -> None:
    place, _ = certificate
    async with connected(await listen(place=place, request_timeout=0.2)) as client:
        assert await client.rest() == b""


async def test_a_client_without_tls_is_ended(listen: Listen, certificate: Certificate) -> None:
    place, _ = certificate
    async with connected(await listen(place=place)) as client:
        client.send(GET)
        assert b"HTTP" not in await client.rest()


# -- Unix sockets


async def test_a_unix_socket_is_served_and_removed(listen: Listen, tmp_path: Path) -> None:
    path = tmp_path / "shoal.sock"
    upgrades = Upgrades()
    listener = await listen(place={"unix_socket": path}, on_upgrade=upgrades)
    assert (listener.address, listener.port) == (f"unix:{path}", 0)
    async with connected(listener, path=path) as client:
        assert (await client.ask(GET)).json["client"] == "unix"
        assert (await client.ask(HANDSHAKE)).status == 101
    assert upgrades.seen[0].peer == "unix"
    await listener.stop(grace=PATIENCE)
    assert not path.exists()


async def test_behind_a_proxy_on_a_unix_socket_the_client_is_known(listen: Listen, tmp_path: Path) -> None:
    path = tmp_path / "shoal.sock"
    listener = await listen(place={"unix_socket": path}, trusted_hops=1)
    async with connected(listener, path=path) as client:
        response = await client.ask(b"GET / HTTP/1.1\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n")
        assert response.json["client"] == "203.0.113.9"


async def test_a_unix_socket_in_use_is_an_error_and_stays(listen: Listen, tmp_path: Path) -> None:
    path = tmp_path / "shoal.sock"
    await listen(place={"unix_socket": path})
    second = Listener(echo, unix_socket=path)
    with pytest.raises(ListenError, match="it is in use"):
        await second.start()
    assert path.is_socket()
