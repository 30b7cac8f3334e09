"""What scripts answer, as values."""

from __future__ import annotations

from typing import Any

from adapter.base import Entry, Remembered
from adapter.redis.shard.envelope import read_tail


def read_entry(fields: list[Any], base: int) -> tuple[Entry, int, bool]:
    """Return the entry, the number of subscriptions and whether the topic is occupied.

    :param fields: what scripts/_entry.lua tells.
    :param base: what is added to positions.
    """
    position, subscriptions, version, seconds, micros, roster, stored, ttl, is_occupied = fields
    users = iter(roster)
    entry = Entry(
        position=base + int(position),
        members={user.decode(): info for user, info in zip(users, users, strict=True)},
        version=base + int(version),
        remembered=read_remembered(stored, ttl),
        at=int(seconds) + int(micros) / 1_000_000,
    )
    return entry, int(subscriptions), bool(is_occupied)


def read_remembered(stored: bytes | None, ttl: int) -> Remembered | None:
    """Return a remembered message; `ttl` is in milliseconds."""
    if stored is None or ttl <= 0:
        return None
    return Remembered(read_tail(stored)[2], ttl / 1000)
