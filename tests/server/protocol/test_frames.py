from __future__ import annotations

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from server.protocol.frames import text_frame


def read_by_a_client(data: bytes) -> list[Frame]:
    client = ClientProtocol(parse_uri("ws://x/"), state=OPEN, max_size=None)
    client.receive_data(data)
    return [event for event in client.events_received() if isinstance(event, Frame)]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 200_000])
def test_a_client_reads_a_whole_text_message_of_any_size(size: int) -> None:
    payload = b"x" * size
    assert read_by_a_client(text_frame(payload)) == [Frame(Opcode.TEXT, payload, fin=True)]


def test_the_shortest_length_is_used() -> None:
    assert text_frame(b"a" * 125)[:2] == b"\x81\x7d"
    assert text_frame(b"a" * 126)[:4] == b"\x81\x7e\x00\x7e"
    assert text_frame(b"a" * 65536)[:10] == b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"


def test_joined_frames_are_read_one_by_one() -> None:
    assert [frame.data for frame in read_by_a_client(text_frame(b"a") + text_frame(b"") + text_frame(b"b"))] == [
        b"a",
        b"",
        b"b",
    ]
