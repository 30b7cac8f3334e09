"""Which shard a topic belongs to: a share of the cluster's state with one order of its own."""

from __future__ import annotations

from binascii import crc_hqx

SHARDS = 64
"""Enough to spread over dozens of primaries, few enough to look at all of them each second. It can't be changed in a
running cluster: nodes check that they agree on it."""

SLOTS = 16_384
"""Of a Redis Cluster."""


def shard_of(topic: str) -> int:
    """Return the shard of a topic. (CCITT's CRC in the form that Redis calls crc16.)"""
    return crc_hqx(topic.encode(), 0) % SHARDS


def slot_of_shard(shard: int) -> int:
    """Return the slot of Redis Cluster in which all of a shard's keys are, by their hash tag."""
    return crc_hqx(f"s{shard}".encode(), 0) % SLOTS
