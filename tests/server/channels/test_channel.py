from __future__ import annotations

from server.protocol import events
from tests.server.channels.build import a_channel, admit, an_entry, join
from tests.server.channels.ear import Ear

SUCCEEDED = events.subscription_succeeded("news")


def test_who_waits_hears_nothing() -> None:
    channel, alice = a_channel(), Ear()
    channel.wait(alice)
    channel.message(1, b"1", None)
    channel.tell(b"2")
    channel.fanout.flush()
    assert alice.writes == []
    assert len(channel) == 0
    assert not channel.is_deserted


def test_the_answer_comes_with_what_was_kept_above_its_position() -> None:
    channel, alice = a_channel(), Ear()
    channel.wait(alice)
    for position in (4, 5, 6, 7):
        channel.message(position, b"%d" % position, None)
    admit(channel, alice, an_entry(5))
    assert alice.heard == [SUCCEEDED, b"6", b"7"]
    channel.message(8, b"8", None)
    channel.fanout.flush()
    assert alice.heard == [SUCCEEDED, b"6", b"7", b"8"]


def test_what_is_later_than_the_answer_but_from_before_it_is_not_for_who_came() -> None:
    channel = a_channel()
    bob = join(channel, an_entry(1))
    alice = join(channel, an_entry(5))
    for position in (4, 5, 6):
        channel.message(position, b"%d" % position, None)
    channel.fanout.flush()
    assert alice.heard == [b"6"]
    assert bob.heard == [b"4", b"5", b"6"]


def test_each_of_several_who_came_has_its_own_position() -> None:
    channel = a_channel()
    alice, bob = join(channel, an_entry(3)), join(channel, an_entry(5))
    for position in range(2, 8):
        channel.message(position, b"%d" % position, None)
        channel.fanout.flush()
    assert alice.heard == [b"4", b"5", b"6", b"7"]
    assert bob.heard == [b"6", b"7"]


def test_answers_may_come_in_any_order() -> None:
    channel, alice, bob = a_channel(), Ear(), Ear()
    channel.wait(alice)
    channel.wait(bob)
    channel.message(2, b"2", None)
    admit(channel, bob, an_entry(3))
    channel.message(4, b"4", None)
    admit(channel, alice, an_entry(1))
    channel.message(5, b"5", None)
    channel.fanout.flush()
    assert alice.heard == [SUCCEEDED, b"2", b"4", b"5"]
    assert bob.heard == [SUCCEEDED, b"4", b"5"]


def test_who_comes_gets_nothing_that_was_gathered_for_the_others() -> None:
    channel = a_channel()
    alice = join(channel, an_entry(1))
    channel.message(2, b"2", None)
    bob = Ear()
    admit(channel, bob, None)
    channel.fanout.flush()
    assert alice.heard == [b"2"]
    assert bob.heard == [SUCCEEDED]


def test_a_sender_does_not_hear_itself_be_it_live_or_waiting() -> None:
    channel = a_channel()
    alice, bob, carol = join(channel, an_entry(1)), join(channel, None), Ear()
    channel.wait(carol)
    channel.message(2, b"alice's", alice)
    channel.message(3, b"carol's", carol)
    channel.message(4, b"nobody's", None)
    admit(channel, carol, an_entry(1))
    channel.fanout.flush()
    assert alice.heard == [b"carol's", b"nobody's"]
    assert bob.heard == [b"alice's", b"carol's", b"nobody's"]
    assert carol.heard == [SUCCEEDED, b"alice's", b"nobody's"]


def test_a_sender_from_elsewhere_keeps_nobody_from_hearing() -> None:
    channel = a_channel()
    alice = join(channel, an_entry(1))
    channel.message(2, b"2", Ear())
    channel.fanout.flush()
    assert alice.heard == [b"2"]


def test_who_leaves_while_waiting_leaves_nothing_behind() -> None:
    channel, alice = a_channel(), Ear()
    ticket = channel.wait(alice)
    channel.message(1, b"1", None)
    channel.drop(alice)
    assert not channel.is_waiting(alice, ticket)
    assert channel.is_deserted


def test_who_left_and_waits_again_has_another_ticket_with_nothing_from_before() -> None:
    channel, alice = a_channel(), Ear()
    first = channel.wait(alice)
    channel.message(2, b"2", None)
    channel.drop(alice)
    second = channel.wait(alice)
    assert not channel.is_waiting(alice, first)
    assert channel.is_waiting(alice, second)
    channel.message(3, b"3", None)
    admit(channel, alice, an_entry(1))
    assert alice.heard == [SUCCEEDED, b"3"]


def test_who_leaves_gets_what_was_gathered_and_nothing_after_it() -> None:
    channel = a_channel()
    alice = join(channel, an_entry(1))
    channel.message(2, b"2", None)
    channel.drop(alice)
    channel.message(3, b"3", None)
    channel.fanout.flush()
    assert alice.heard == [b"2"]
    assert channel.is_deserted


def test_who_left_and_came_back_has_no_position_from_its_first_time() -> None:
    channel = a_channel()
    bob = join(channel, an_entry(1))
    alice = join(channel, an_entry(9))
    channel.drop(alice)
    channel.wait(alice)
    admit(channel, alice, None)
    alice.forget()
    channel.message(8, b"8", None)
    channel.fanout.flush()
    assert alice.heard == bob.heard == [b"8"]


def test_a_second_confirmation_is_for_who_is_live() -> None:
    channel, alice = a_channel(), Ear()
    channel.wait(alice)
    assert channel.confirm(alice) == b""
    admit(channel, alice, an_entry(1))
    alice.write(channel.confirm(alice))
    assert alice.heard == [SUCCEEDED, SUCCEEDED]


def test_the_first_answer_establishes_a_channel() -> None:
    channel = a_channel()
    channel.wait(Ear())
    assert not channel.is_established
    join(channel, an_entry(1))
    assert channel.is_established


def test_a_count_is_told_to_those_who_are_live() -> None:
    channel = a_channel(counts=True)
    alice, bob = join(channel, an_entry(1)), Ear()
    channel.wait(bob)
    channel.tell(b"count")
    channel.fanout.flush()
    assert alice.heard == [b"count"]
    admit(channel, bob, an_entry(1))
    assert bob.heard == [SUCCEEDED]


# Cache channels


def test_the_remembered_event_comes_after_the_confirmation_and_before_what_was_kept() -> None:
    channel, alice = a_channel("cache-a"), Ear()
    channel.wait(alice)
    channel.message(3, b"3", None)
    channel.message(4, b"4", None)
    admit(channel, alice, an_entry(3, remembered=b"3"))
    assert alice.heard == [events.subscription_succeeded("cache-a"), b"3", b"4"]


def test_where_nothing_is_remembered_the_miss_is_told() -> None:
    channel, alice = a_channel("cache-a"), Ear()
    channel.wait(alice)
    admit(channel, alice, an_entry(3))
    assert alice.heard == [events.subscription_succeeded("cache-a"), events.cache_miss("cache-a")]


def test_the_remembered_event_is_not_repeated_when_its_callback_is_late() -> None:
    channel, alice = a_channel("cache-a"), Ear()
    channel.wait(alice)
    admit(channel, alice, an_entry(3, remembered=b"3"))
    channel.message(3, b"3", None)
    channel.fanout.flush()
    assert alice.heard == [events.subscription_succeeded("cache-a"), b"3"]
