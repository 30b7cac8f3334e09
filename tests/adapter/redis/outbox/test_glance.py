"""To which node a shard's notices fall, and what all shards together have."""

from __future__ import annotations

from collections import Counter

from adapter.outbox import OutboxNumbers
from adapter.redis.outbox.glance import Glance, total, whose
from adapter.redis.shards import SHARDS

BOOTS = {f"boot-{number}" for number in range(4)}


def test_all_nodes_agree_and_each_gets_some() -> None:
    falls_to = {shard: whose(shard, BOOTS) for shard in range(SHARDS)}
    assert falls_to == {shard: whose(shard, sorted(BOOTS, reverse=True)) for shard in range(SHARDS)}
    assert set(falls_to.values()) == BOOTS
    assert max(Counter(falls_to.values()).values()) < SHARDS / 2


def test_only_the_shards_of_a_node_that_goes_fall_to_others() -> None:
    gone = "boot-2"
    for shard in range(SHARDS):
        before, after = whose(shard, BOOTS), whose(shard, BOOTS - {gone})
        assert after == before or before == gone


def test_numbers_add_up_and_the_oldest_is_the_oldest() -> None:
    one = Glance(waiting=3, age=2.0, consumers={}, due=[], held_back=1, buried=2, dropped=1)
    other = Glance(waiting=1, age=None, consumers={}, due=[], held_back=0, buried=0, dropped=4)
    assert total([one, other]) == OutboxNumbers(waiting=4, held_back=1, oldest=2.0, buried=2, dropped=5)
