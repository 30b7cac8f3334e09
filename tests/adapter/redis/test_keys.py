"""Keys and claims."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapter.redis.keys import NOBODY, ShardKeys, claim_of, count_claim, is_count, split_claim, who_is


@given(topic=st.text(), user=st.none() | st.text())
def test_a_claim_comes_apart_as_it_was_put_together(topic: str, user: str | None) -> None:
    assert split_claim(claim_of(topic, who_is(user))) == (topic, who_is(user))


def test_nobody_and_an_empty_user_differ() -> None:
    assert who_is(None) == NOBODY != who_is("")


def test_a_number_is_a_claim_of_its_own() -> None:
    topic, who = split_claim(count_claim("app/a"))
    assert (topic, is_count(who)) == ("app/a", True)
    assert not is_count(who_is("#"))


def test_everything_of_a_shard_has_its_hash_tag() -> None:
    keys = ShardKeys("shoal", 17)
    names = [keys.meta, keys.journal, keys.writes("b"), keys.claims("b"), keys.state("a/t"), keys.channel("a/t")]
    names += [keys.allowance("a", "events"), keys.leases("a")]
    assert all("{s17}" in name for name in names)


def test_pub_sub_is_kept_apart_by_database_too() -> None:
    assert ShardKeys("shoal", 1).channel("t") != ShardKeys("shoal", 1, db=2).channel("t")


def test_marks_are_told_apart_by_topic_and_value() -> None:
    keys = ShardKeys("shoal", 1)
    marks = {keys.mark("a", "bc"), keys.mark("ab", "c"), keys.mark("a", "bd")}
    assert len(marks) == 3
