"""Which shard a topic belongs to."""

from __future__ import annotations

from adapter.redis.shards import SHARDS, shard_of, slot_of_shard


def test_slots_are_those_of_redis_cluster() -> None:
    # From Redis' own specification: the slot of "123456789" is 0x31C3 before it is cut to 14 bits.
    assert shard_of("123456789") == 0x31C3 % SHARDS
    # As CLUSTER KEYSLOT tells for {s0} and {s17}.
    assert (slot_of_shard(0), slot_of_shard(17)) == (3704, 9242)


def test_topics_spread_over_all_shards() -> None:
    assert {shard_of(f"app/channel-{number}") for number in range(2000)} == set(range(SHARDS))
