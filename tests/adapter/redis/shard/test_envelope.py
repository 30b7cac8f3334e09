"""What nodes tell each other."""

from __future__ import annotations

import struct

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.redis.shard.envelope import VERSION, Kind, Unreadable, opening, read, read_tail, tail

POSITION = 2**40


def envelope(end: bytes, *, version: int = 1) -> bytes:
    """Return what scripts/_write.lua makes of a tail."""
    return b"\x95" + bytes([version]) + b"\xcf" + struct.pack(">Q", POSITION) + end


def test_what_was_packed_is_read() -> None:
    data = envelope(tail(Kind.MESSAGE, "1.2", b"\x00payload"))
    assert read(data) == (POSITION, Kind.MESSAGE, "1.2", b"\x00payload")


def test_a_remembered_tail_is_read_by_itself() -> None:
    assert read_tail(tail(Kind.JOINED, "user", b"info")) == (Kind.JOINED, "user", b"info")


def test_a_remembered_tail_of_the_next_version_is_read_without_what_is_new_in_it() -> None:
    longer = msgpack.packb([Kind.MESSAGE, "", b"x", "something new"])[1:]
    assert read_tail(longer) == (Kind.MESSAGE, "", b"x")


def test_an_opening_is_completed_by_a_script() -> None:
    assert opening(Kind.COUNTED) + b"\x07\xc0" == tail(Kind.COUNTED, 7, None)


def test_the_next_version_is_read_with_fields_that_are_new_in_it() -> None:
    data = msgpack.packb([2, POSITION, Kind.MESSAGE, "", b"x", "something new"])
    assert read(data) == (POSITION, Kind.MESSAGE, "", b"x")


def test_the_version_before_is_read() -> None:
    assert read(envelope(tail(Kind.MESSAGE, "", b"x"), version=VERSION - 1)) == (POSITION, Kind.MESSAGE, "", b"x")


def test_the_version_after_the_next_is_refused() -> None:
    with pytest.raises(Unreadable, match="version 3"):
        read(envelope(tail(Kind.MESSAGE, "", b"x"), version=3))


@given(st.binary())
def test_garbage_is_refused_in_one_way(data: bytes) -> None:
    try:
        position, *_ = read(data)
    except Unreadable:
        return
    assert isinstance(position, int)
