from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest

from server.listener.upgrade import has_body, is_websocket, without_upgrade
from tests.server.listener.live import GET, HANDSHAKE, PATIENCE, Gate, Upgrades, connected, nobody_left

if TYPE_CHECKING:
    from server.listener import Upgrade
    from tests.server.listener.live import Listen

H2C = b"POST /a HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello"


def test_a_websocket_is_asked_for_with_get_and_http_1_1() -> None:
    wish = [(b"upgrade", b"WebSocket")]
    assert is_websocket(b"GET", "1.1", wish)
    assert is_websocket(b"GET", "1.1", [(b"upgrade", b"h2c, websocket")])
    assert not is_websocket(b"POST", "1.1", wish)
    assert not is_websocket(b"GET", "1.0", wish)
    assert not is_websocket(b"GET", "1.1", [(b"upgrade", b"h2c")])
    assert not is_websocket(b"GET", "1.1", [(b"x", b"websocket")])


def test_a_body_is_announced_in_two_ways() -> None:
    assert not has_body([(b"host", b"x"), (b"content-length", b"0")])
    assert has_body([(b"content-length", b"10")])
    assert has_body([(b"transfer-encoding", b"chunked")])


def test_without_its_wish_the_request_is_the_same() -> None:
    headers = [(b"host", b"x"), (b"upgrade", b"h2c"), (b"content-length", b"5")]
    assert (
        without_upgrade(b"PUT", b"/a?b", "1.1", headers) == b"PUT /a?b HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n"
    )


async def test_the_handler_is_given_the_request(listen: Listen) -> None:
    upgrades = Upgrades()
    async with connected(await listen(on_upgrade=upgrades)) as client:
        assert (await client.ask(HANDSHAKE)).status == 101
    [upgrade] = upgrades.seen
    assert (upgrade.path, upgrade.query) == ("/app/k%65y", b"protocol=7")
    assert upgrade.headers[0] == (b"host", b"x")
    assert (upgrade.peer, upgrade.is_tls) == ("127.0.0.1", False)


async def test_behind_a_proxy_the_handler_is_given_the_client(listen: Listen) -> None:
    upgrades = Upgrades()
    forwarded = b"\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n"
    async with connected(await listen(on_upgrade=upgrades, trusted_hops=1)) as client:
        await client.ask(HANDSHAKE.replace(b"\r\n\r\n", forwarded))
    assert (upgrades.seen[0].peer, upgrades.seen[0].is_tls) == ("203.0.113.9", True)


async def test_bytes_behind_the_handshake_are_delivered(listen: Listen) -> None:
    upgrades = Upgrades()
    async with connected(await listen(on_upgrade=upgrades)) as client:
        await client.ask(HANDSHAKE + b"\x81\x85frame")
        assert upgrades.peers[0].received == b"\x81\x85frame"
        client.send(b", and more")
        async with asyncio.timeout(PATIENCE):
            while not upgrades.peers[0].received.endswith(b", and more"):
                upgrades.peers[0].fed.clear()
                await upgrades.peers[0].fed.wait()


async def test_a_handshake_in_single_bytes_is_the_same_handshake(listen: Listen) -> None:
    upgrades = Upgrades()
    async with connected(await listen(on_upgrade=upgrades)) as client:
        for byte in HANDSHAKE:
            await client.send_all(bytes([byte]))
        assert (await client.response()).status == 101
    assert upgrades.seen[0].path == "/app/k%65y"


@pytest.mark.parametrize("earlier", [0, 2])
async def test_nothing_is_kept_after_an_upgrade(listen: Listen, earlier: int) -> None:
    upgrades = Upgrades()
    listener = await listen(on_upgrade=upgrades)
    gc.disable()
    try:
        async with connected(listener) as client:
            for _ in range(earlier):
                await client.ask(GET)
            await client.ask(HANDSHAKE + b"rest")
            assert upgrades.peers[0].received == b"rest"
            assert upgrades.before[0]() is None
            assert listener.connections == 0
    finally:
        gc.enable()


async def test_the_end_of_a_websocket_is_its_own_affair(listen: Listen) -> None:
    upgrades = Upgrades()
    async with connected(await listen(on_upgrade=upgrades)) as client:
        await client.ask(HANDSHAKE)
    async with asyncio.timeout(PATIENCE):
        await upgrades.peers[0].lost.wait()


async def test_a_full_transport_is_announced_to_its_new_owner(listen: Listen) -> None:
    upgrades = Upgrades()

    def full(upgrade: Upgrade) -> asyncio.Protocol | None:
        protocol = upgrades(upgrade)
        upgrade.transport.set_write_buffer_limits(high=1000)
        upgrade.transport.write(bytes(50_000_000))
        return protocol

    async with connected(await listen(on_upgrade=full)) as client:
        await client.ask(HANDSHAKE)
        assert upgrades.peers[0].writing_paused


async def test_a_handshake_the_handler_declines_is_an_ordinary_request(listen: Listen) -> None:
    async with connected(await listen(on_upgrade=lambda _: None)) as client:
        response = await client.ask(HANDSHAKE)
        assert response.json["path"] == "/app/key"
        assert "upgrade" not in response.json["headers"]
        assert (await client.ask(GET)).status == 200


async def test_without_a_handler_a_handshake_is_an_ordinary_request(listen: Listen) -> None:
    async with connected(await listen()) as client:
        assert (await client.ask(HANDSHAKE)).json["path"] == "/app/key"


async def test_an_upgrade_to_something_else_is_ignored(listen: Listen) -> None:
    async with connected(await listen(on_upgrade=Upgrades())) as client:
        assert (await client.ask(H2C)).json["body"] == "hello"
        assert (await client.ask(GET)).status == 200


async def test_an_ignored_upgrade_keeps_its_body_however_it_is_cut(listen: Listen) -> None:
    async with connected(await listen(on_upgrade=Upgrades())) as client:
        for byte in H2C:
            await client.send_all(bytes([byte]))
        assert (await client.response()).json["body"] == "hello"
        client.send(H2C + H2C + GET)
        assert [(await client.response()).status for _ in range(3)] == [200] * 3


async def test_a_thousand_ignored_upgrades_in_one_read_are_a_loop(listen: Listen) -> None:
    gate = Gate()
    gate.opened.set()
    h2c = b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    async with connected(await listen(gate)) as client:
        await client.send_all(h2c * 1000)
        assert (await client.rest()).count(b"HTTP/1.1 429") == 1


async def test_a_handshake_that_is_not_a_get_is_an_ordinary_request(listen: Listen) -> None:
    upgrades = Upgrades()
    async with connected(await listen(on_upgrade=upgrades)) as client:
        assert (await client.ask(HANDSHAKE.replace(b"GET", b"PUT"))).json["method"] == "PUT"
    assert upgrades.seen == []


async def test_a_handshake_with_a_body_is_refused(listen: Listen) -> None:
    upgrades = Upgrades()
    async with connected(await listen(on_upgrade=upgrades)) as client:
        request = HANDSHAKE.replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\nhi")
        assert (await client.ask(request)).status == 400
        assert await client.rest() == b""
    assert upgrades.seen == []


async def test_a_handshake_behind_an_unanswered_request_is_refused_in_its_turn(listen: Listen) -> None:
    gate, upgrades = Gate(), Upgrades()
    async with connected(await listen(gate, on_upgrade=upgrades)) as client:
        client.send(GET + HANDSHAKE)
        await gate.entered.wait()
        gate.opened.set()
        assert [(await client.response()).status for _ in range(2)] == [200, 400]
    assert upgrades.seen == []


async def test_a_handler_that_raises_costs_only_its_connection(listen: Listen) -> None:
    seen: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context))

    def broken(upgrade: Upgrade) -> asyncio.Protocol | None:
        raise LookupError(upgrade.path)

    listener = await listen(on_upgrade=broken)
    async with connected(listener) as client:
        client.send(HANDSHAKE)
        assert await client.rest() == b""
    await nobody_left(listener)
    [context] = seen
    error = context["exception"]
    assert isinstance(error, LookupError)
    assert error.__context__ is None
