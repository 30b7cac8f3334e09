"""Who may come in, asked of a running node: whatever is wrong, the handshake is completed and then closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.harness.client import Client
from tests.harness.node import start_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.node import RunningNode

APPS: list[dict[str, Any]] = [
    {"id": "1", "key": "open", "secret": "s"},
    {"id": "2", "key": "disabled", "secret": "s", "enabled": False},
    {"id": "3", "key": "tls-only", "secret": "s", "tls_only": True},
    {"id": "4", "key": "of-one-site", "secret": "s", "allowed_origins": ["https://*.example.com"]},
    {"id": "5", "key": "for-two", "secret": "s", "max_connections": 2},
]


@pytest.fixture(scope="module")
def node() -> Iterator[RunningNode]:
    with start_node(apps=APPS) as node:
        yield node


async def _is_turned_away(client: Client, code: int) -> str:
    message = await client.expect_error(code)
    closed = await client.expect_close()
    assert (closed.code, closed.reason) == (code, message)
    return message


@pytest.mark.parametrize(
    ("key", "query", "code"),
    [
        ("nobodys", "protocol=7", 4001),
        ("disabled", "protocol=7", 4003),
        ("tls-only", "protocol=7", 4000),
        ("open/else", "protocol=7", 4005),
        ("open", "protocol=7&version=%00", 4006),
        ("open", "protocol=3", 4007),
        ("open", "protocol=8", 4007),
        ("open", "protocol=seven", 4007),
        ("open", "protocol=%D9%A7", 4007),
        ("open", "", 4008),
    ],
)
async def test_what_is_wrong_with_a_request_is_said_by_error_and_close(
    node: RunningNode, key: str, query: str, code: int
) -> None:
    await _is_turned_away(await Client.open(node, key=key, query=query), code)


@pytest.mark.parametrize("protocol", [4, 5, 6, 7])
async def test_protocols_4_to_7_are_spoken(node: RunningNode, protocol: int) -> None:
    client = await Client.open(node, query=f"protocol={protocol}&client=js&version=8.6.0&flash=false")
    hello = await client.established()
    assert hello["activity_timeout"] == 30
    numbers = hello["socket_id"].split(".")
    assert len(numbers) == 2
    assert all(number.isdecimal() and len(number) <= 10 for number in numbers)
    await client.close()


async def test_an_application_over_its_connections_is_closed_with_4004_until_one_ends(node: RunningNode) -> None:
    first, second = [await Client.open(node, key="for-two") for _ in range(2)]
    await first.established()
    await second.established()
    await _is_turned_away(await Client.open(node, key="for-two"), 4004)
    await first.close()
    node.wait_until(lambda: node.metric("shoal_connections", app="5") == 1, "one has gone")
    third = await Client.open(node, key="for-two")
    await third.established()
    await second.close()
    await third.close()


async def test_a_page_of_a_foreign_origin_is_closed_with_4009(node: RunningNode) -> None:
    from websockets.asyncio.client import connect

    url = f"ws://{node.host}:{node.port}/app/of-one-site?protocol=7"
    for origin, event in (
        ("https://www.example.com", "connection_established"),
        ("https://example.org", "4009"),
        (None, "connection_established"),
    ):
        async with connect(url, origin=origin, proxy=None) as connection:  # type: ignore[arg-type]
            assert event in str(await connection.recv())


async def test_a_full_node_closes_with_4100_and_counts_it() -> None:
    with start_node({"SHOAL_MAX_CONNECTIONS": "1"}) as node:
        async with await Client.connect(node):
            await _is_turned_away(await Client.open(node), 4100)
        assert node.metric("shoal_handshakes_refused_total", code="4100", reason="node_connections") == 1


async def _is_let_in_from(node: RunningNode, address: str) -> bool:
    """Connect once as if by a proxy that names this address, and leave again."""
    from websockets.asyncio.client import connect

    url = f"{node.websocket_url}?protocol=7"
    async with connect(url, additional_headers={"X-Forwarded-For": address}, proxy=None) as connection:
        first = str(await connection.recv())
        if "connection_established" in first:
            return True
        assert '"code":4100' in first, first
        await connection.wait_closed()
        assert connection.close_code == 4100
        return False


async def _is_refused_soon(node: RunningNode, address: str) -> None:
    """Connect until it is refused: on a slow machine the allowance fills meanwhile."""
    for _ in range(100):
        if not await _is_let_in_from(node, address):
            return
    pytest.fail("was never refused")


async def test_handshakes_from_one_address_are_limited_beyond_a_burst_and_closed_with_4100() -> None:
    settings = {
        "SHOAL_MAX_HANDSHAKES_PER_SECOND_PER_IP": "1",
        "SHOAL_HANDSHAKE_BURST_PER_IP": "5",
        "SHOAL_TRUSTED_HOPS": "1",
    }
    with start_node(settings) as node:
        assert all([await _is_let_in_from(node, "192.0.2.1") for _ in range(5)])
        await _is_refused_soon(node, "192.0.2.1")
        assert await _is_let_in_from(node, "192.0.2.2")
        # What the client itself adds to the header doesn't make it another one.
        await _is_refused_soon(node, "192.0.2.3, 192.0.2.1")
        assert node.metric("shoal_handshakes_refused_total", code="4100", reason="address_rate") == 2
        # Named once, not each time.
        named = [record["message"] for record in node.records() if "turned away" in record["message"]]
        assert named == [
            "192.0.2.1 is turned away: Too many handshakes from this address, come back in a second",
        ]


async def test_the_addresses_of_one_ipv6_customer_count_as_one() -> None:
    settings = {"SHOAL_MAX_HANDSHAKES_PER_SECOND_PER_IP": "1", "SHOAL_TRUSTED_HOPS": "1"}
    settings |= {"SHOAL_HANDSHAKE_BURST_PER_IP": "3"}
    with start_node(settings) as node:
        assert all([await _is_let_in_from(node, f"2001:db8:0:1::{number}") for number in range(3)])
        await _is_refused_soon(node, "2001:db8:0:1::9")
        assert await _is_let_in_from(node, "2001:db8:0:2::1")


async def test_without_a_burst_of_its_own_as_many_may_come_at_once_as_a_node_takes() -> None:
    settings = {"SHOAL_MAX_HANDSHAKES_PER_SECOND_PER_IP": "1", "SHOAL_MAX_CONNECTIONS": "50"}
    with start_node(settings) as node:
        clients = [await Client.connect(node) for _ in range(50)]
        for client in clients:
            client.drop()


async def test_connections_of_one_ipv6_customer_are_limited_together() -> None:
    from websockets.asyncio.client import connect

    with start_node({"SHOAL_MAX_CONNECTIONS_PER_IP": "1", "SHOAL_TRUSTED_HOPS": "1"}) as node:
        header = {"X-Forwarded-For": "2001:db8::1"}
        async with connect(f"{node.websocket_url}?protocol=7", additional_headers=header, proxy=None):
            assert not await _is_let_in_from(node, "2001:db8::2")
            assert await _is_let_in_from(node, "2001:db8:0:1::2")
        node.wait_until(lambda: node.metric("shoal_connections") == 0, "the first has gone")
        assert await _is_let_in_from(node, "2001:db8::2")
        assert node.metric("shoal_handshakes_refused_total", reason="address_connections") == 1


async def test_connections_from_one_address_are_limited_behind_trusted_proxies_only() -> None:
    with start_node({"SHOAL_MAX_CONNECTIONS_PER_IP": "1", "SHOAL_TRUSTED_HOPS": "1"}) as node:
        from websockets.asyncio.client import connect

        url = f"{node.websocket_url}?protocol=7"
        outcomes = []
        async with connect(url, additional_headers={"X-Forwarded-For": "10.0.0.1"}, proxy=None):
            for address in ("10.0.0.1", "10.0.0.2", "10.0.0.2, 10.0.0.1"):
                async with connect(url, additional_headers={"X-Forwarded-For": address}, proxy=None) as another:
                    outcomes.append("connection_established" in str(await another.recv()))
        assert outcomes == [False, True, False]


def test_what_is_no_websocket_handshake_is_refused_by_http(node: RunningNode) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    answer = httpx.get(f"{node.url}/app/open?protocol=7", headers=headers)
    assert answer.status_code == 400
    assert node.metric("shoal_handshakes_refused_total", code="400") == 1
