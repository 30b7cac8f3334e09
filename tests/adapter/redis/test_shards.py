"""Which shard a topic belongs to."""

from __future__ import annotations

from adapter.redis.shards import SHARDS, shard_of


def test_the_checksum_is_the_one_of_redis_cluster() -> None:
    # From Redis' own specification: 0x31C3 for "123456789".
    assert shard_of("123456789") == 0x31C3 % SHARDS


def test_topics_spread_over_all_shards() -> None:
    assert {shard_of(f"app/channel-{number}") for number in range(2000)} == set(range(SHARDS))
