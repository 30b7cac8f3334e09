"""Channels, and the answers that an adapter would give about them."""

from __future__ import annotations

from adapter.base import Entry, Remembered, topic_of
from server.channels.channel import Channel
from server.channels.fanout import Delivered
from server.protocol.names import parse_channel
from tests.server.channels.ear import Ear


def a_channel(name: str = "news", *, counts: bool = False) -> Channel:
    return Channel(topic_of("1", name), name, parse_channel(name), Delivered(), counts=counts)


def an_entry(position: int, *members: str, version: int | None = None, remembered: bytes | None = None) -> Entry:
    """Return an answer in which nobody has an info.

    :param version: when the members changed last; if not given, at this position.
    """
    return Entry(
        position=position,
        members=dict.fromkeys(members, b""),
        version=position if version is None else version,
        remembered=None if remembered is None else Remembered(remembered, 60.0),
        at=0.0,
    )


def admit(channel: Channel, ear: Ear, entry: Entry | None) -> None:
    """Let somebody in who has been waiting, as the hub does."""
    ear.write(channel.admit(ear, entry))


def join(channel: Channel, entry: Entry | None, name: str = "") -> Ear:
    """Return somebody new who is in the channel, with all it was told so far forgotten."""
    ear = Ear(name)
    channel.wait(ear)
    admit(channel, ear, entry)
    ear.forget()
    return ear
