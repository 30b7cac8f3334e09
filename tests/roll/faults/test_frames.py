"""A server's stream is cut into its frames, wherever the network cut it."""

from __future__ import annotations

import pytest

from tests.roll.faults.frames import FrameCutter, close_code, close_frame, text_frame, text_of

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
LONG = b"\x81\x7f" + (70_000).to_bytes(8, "big") + b"x" * 70_000
FRAMES = [text_frame("short"), text_frame("y" * 126), LONG, close_frame(4200)]


@pytest.mark.parametrize("step", [1, 3, 1_000_000])
def test_frames_are_found_however_they_arrive(step: int) -> None:
    stream, cutter, frames = HEAD + b"".join(FRAMES), FrameCutter(), list[bytes]()
    for start in range(0, len(stream), step):
        frames += cutter.feed(stream[start : start + step])
    assert cutter.head == HEAD
    assert frames == FRAMES


def test_text_and_close_code_can_be_read() -> None:
    assert [text_of(frame) for frame in FRAMES[:2]] == ["short", "y" * 126]
    assert [close_code(frame) for frame in FRAMES] == [None, None, None, 4200]
