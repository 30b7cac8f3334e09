from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.protocol import OPEN

from server.connection.websocket import BINARY, OVERSIZED, Message, WebSocket
from tests import frames
from tests.frames import close_frame, frame

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 1000

HANDSHAKE = [
    (b"host", b"127.0.0.1"),
    (b"connection", b"keep-alive, Upgrade"),
    (b"upgrade", b"websocket"),
    (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    (b"sec-websocket-version", b"13"),
]


def a_websocket() -> WebSocket:
    return WebSocket(max_message_bytes=LIMIT)


def handshake(**changes: bytes | None) -> list[tuple[bytes, bytes]]:
    """Return the headers of a handshake with some changed, or left out where they are None."""
    names = {name.replace("_", "-").encode(): value for name, value in changes.items()}
    fields = dict(HANDSHAKE) | names
    return [(name, value) for name, value in fields.items() if value is not None]


# The handshake


def test_a_handshake_is_answered_with_the_key_that_proves_it() -> None:
    response, is_accepted = a_websocket().answer("/app/k?protocol=7", HANDSHAKE)
    assert is_accepted
    assert response.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in response


def test_neither_compression_nor_a_subprotocol_is_agreed_on() -> None:
    headers = handshake(sec_websocket_extensions=b"permessage-deflate", sec_websocket_protocol=b"chat")
    response, is_accepted = a_websocket().answer("/app/k", headers)
    assert is_accepted
    assert b"sec-websocket-extensions" not in response.lower()
    assert b"sec-websocket-protocol" not in response.lower()


@pytest.mark.parametrize("value", [b"", b",", b"a b", b"\xff"])
def test_a_subprotocol_is_ignored_even_where_it_is_none(value: bytes) -> None:
    _, is_accepted = a_websocket().answer("/app/k", handshake(sec_websocket_protocol=value))
    assert is_accepted


@pytest.mark.parametrize(
    "headers",
    [
        handshake(sec_websocket_key=None),
        handshake(sec_websocket_key=b""),
        handshake(sec_websocket_key=b"too short"),
        handshake(sec_websocket_key=b"\xff\xfe"),
        [*HANDSHAKE, (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")],
        handshake(sec_websocket_version=None),
        handshake(sec_websocket_version=b"8"),
        handshake(sec_websocket_version=b"\xb9"),
        handshake(connection=b"keep-alive"),
        handshake(connection=b";"),
        handshake(upgrade=b"websocket, h2c"),
    ],
)
def test_what_is_no_handshake_is_answered_in_http(headers: list[tuple[bytes, bytes]]) -> None:
    response, is_accepted = a_websocket().answer("/app/k", headers)
    assert not is_accepted
    assert int(response.split()[1]) in (400, 426)


# Messages


def test_a_message_is_what_was_sent() -> None:
    assert a_websocket().messages(frame(b"hello")) == [b"hello"]


def test_a_message_may_come_byte_by_byte() -> None:
    ws = a_websocket()
    received = [message for byte in frame(b"x" * 200) for message in ws.messages(bytes([byte]))]
    assert received == [b"x" * 200]


def test_fragments_are_joined_with_a_ping_between_them() -> None:
    ws = a_websocket()
    data = frame(b"a", fin=False) + frame(b"?", frames.PING) + frame(b"b", 0, fin=False) + frame(b"", 0)
    assert ws.messages(data) == [b"ab"]
    assert ws.data_to_send() == [b"\x8a\x01?"]


@pytest.mark.parametrize("size", [0, 5, LIMIT, LIMIT + 1, 70_000])
def test_a_binary_message_is_recognised_whatever_its_size(size: int) -> None:
    ws = a_websocket()
    assert ws.messages(frame(b"\x00" * size, frames.BINARY)) == [BINARY]
    assert ws.messages(frame(b"\x00" * size, frames.BINARY, fin=False) + frame(b"\xff", 0)) == [BINARY]
    assert ws.messages(frame(b"next")) == [b"next"]


def test_a_message_of_just_the_limit_is_received() -> None:
    ws = a_websocket()
    assert ws.messages(frame(b"x" * LIMIT)) == [b"x" * LIMIT]
    assert ws.messages(frame(b"x" * 600, fin=False) + frame(b"x" * 400, 0)) == [b"x" * LIMIT]


@pytest.mark.parametrize(
    "data",
    [
        frame(b"x" * (LIMIT + 1)),
        frame(b"x" * 70_000),
        frame(b"x" * 70_000, fin=False) + frame(b"", 0),
        frame(b"x", fin=False) + frame(b"x" * 70_000, 0),
        frame(b"x" * 600, fin=False) + frame(b"x" * 401, 0),
        frame(b"x" * 600, fin=False) + frame(b"x" * 401, 0, fin=False) + frame(b"x", 0, fin=False) + frame(b"", 0),
    ],
    ids=["just over", "far over", "first fragment", "later fragment", "together", "and small ones after it"],
)
def test_a_message_that_is_too_long_costs_only_itself(data: bytes) -> None:
    ws = a_websocket()
    assert ws.messages(frame(b"before") + data + frame(b"after")) == [b"before", OVERSIZED, b"after"]
    assert ws.messages(data) == [OVERSIZED]
    assert ws.messages(frame(b"later")) == [b"later"]
    assert ws.state is OPEN


def test_nothing_is_kept_of_a_message_that_is_too_long() -> None:
    ws = a_websocket()
    data = frame(b"x" * 1_000_000)
    for start in range(0, len(data) - 1, 10_000):
        assert ws.messages(data[start : start + 10_000][: len(data) - 1 - start]) == []
        assert len(ws.reader.buffer) < 10_000
    assert ws.messages(data[-1:]) == [OVERSIZED]


def test_fragments_that_never_end_are_not_kept() -> None:
    ws = a_websocket()
    ws.messages(frame(b"", fin=False))
    for _ in range(100):
        assert ws.messages(frame(b"x" * 900, 0, fin=False)) == []
    assert ws._fragments is not None
    assert len(ws._fragments) <= LIMIT


def test_the_limit_can_be_raised_between_messages() -> None:
    ws = a_websocket()
    ws.limit(5000)
    assert ws.messages(frame(b"x" * 5000) + frame(b"x" * 5001)) == [b"x" * 5000, OVERSIZED]


# What the WebSocket protocol itself says


def test_a_close_is_answered_with_its_code_and_then_the_end() -> None:
    ws = a_websocket()
    assert ws.messages(frame(b"last") + close_frame(1001, "bye") + frame(b"too late")) == [b"last"]
    assert ws.state is not OPEN
    assert ws.close_rcvd is not None
    assert ws.close_rcvd.code == 1001
    assert ws.data_to_send() == [b"\x88\x05\x03\xe9bye", b""]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(b"x", mask=None), 1002),
        (frame(b"x", reserved=4), 1002),
        (frame(b"x", reserved=1), 1002),
        (frame(b"x", 0x3), 1002),
        (frame(b"x", 0xF), 1002),
        (frame(b"x", frames.CONTINUATION), 1002),
        (frame(b"x", fin=False) + frame(b"x"), 1002),
        (frame(b"x", frames.PING, fin=False), 1002),
        (frame(b"x" * 126, frames.PING), 1002),
        (frame(b"x" * 70_000, frames.PING), 1002),
        (frame(b"x" * 70_000, frames.PONG), 1002),
        (frame(b"x" * 70_000, frames.CLOSE), 1002),
        (frame(b"x", frames.CLOSE), 1002),
        (close_frame(1005), 1002),
        (close_frame(999), 1002),
        (frame(b"\x03\xe8\xff", frames.CLOSE), 1007),
    ],
)
def test_a_breach_of_the_protocol_ends_the_connection(data: bytes, code: int) -> None:
    ws = a_websocket()
    assert ws.messages(frame(b"before") + data + frame(b"after")) == [b"before"]
    assert ws.state is not OPEN
    assert ws.close_sent is not None
    assert ws.close_sent.code == code
    assert ws.data_to_send()[-1] == b"", "nothing after a breach can be understood, so the connection ends"


def test_what_comes_after_a_breach_is_dropped() -> None:
    ws = a_websocket()
    ws.messages(frame(b"x", mask=None))
    assert ws.messages(frame(b"x") * 100) == []
    assert len(ws.reader.buffer) == 0


# Any bytes

_PIECES = st.lists(
    st.one_of(
        st.binary(max_size=20).map(frame),
        st.integers(LIMIT - 1, LIMIT + 2).map(lambda size: frame(b"x" * size)),
        st.binary(max_size=5).map(lambda data: frame(data, fin=False) + frame(data, 0)),
        st.binary(max_size=5).map(lambda data: frame(data, frames.BINARY)),
        st.binary(max_size=5).map(lambda data: frame(data, frames.PING)),
        st.builds(frame, st.binary(max_size=5), st.integers(0, 15), fin=st.booleans(), reserved=st.integers(0, 7)),
        st.binary(max_size=8),
    ),
    max_size=6,
)


@given(_PIECES, st.lists(st.integers(1, 40), min_size=1))
def test_it_makes_no_difference_how_bytes_arrive(pieces: list[bytes], sizes: list[int]) -> None:
    data = b"".join(pieces)
    whole, cut = a_websocket(), a_websocket()
    at_once = whole.messages(data)
    in_parts: list[Message] = []
    start = index = 0
    while start < len(data):
        end = start + sizes[index % len(sizes)]
        in_parts += cut.messages(data[start:end])
        start, index = end, index + 1
    assert in_parts == at_once
    assert b"".join(cut.data_to_send()) == b"".join(whole.data_to_send())
    assert cut.state is whole.state


# Memory


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("data", [b"", frame(b"x"), frame(b"x", mask=None), close_frame(), frame(b"x")[:3]])
def test_a_websocket_that_is_disposed_of_is_free_at_once(data: bytes) -> None:
    ws = a_websocket()
    ws.messages(data)
    gone = weakref.ref(ws)
    ws.dispose()
    del ws
    assert gone() is None


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("headers", [[], handshake(sec_websocket_key=b"x"), handshake(sec_websocket_version=b"8")])
def test_so_is_one_whose_handshake_was_refused(headers: list[tuple[bytes, bytes]]) -> None:
    ws = a_websocket()
    assert not ws.answer("/app/k", headers)[1]
    gone = weakref.ref(ws)
    ws.dispose()
    del ws
    assert gone() is None
