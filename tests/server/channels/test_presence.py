from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from tests.server.channels.build import a_channel, admit, an_entry, join
from tests.server.channels.ear import Ear
from tests.server.protocol.wire import data_of, read

if TYPE_CHECKING:
    from adapter.base import Entry
    from server.channels.channel import Channel

NAME = "presence-a"


def told(ear: Ear) -> list[Any]:
    """Return what somebody heard: a set of ids for a roster, +id and -id for members that came and went."""
    return [_short(payload) for payload in ear.heard]


def _short(payload: bytes) -> Any:
    data = data_of(payload)
    match read(payload)["event"]:
        case "pusher_internal:subscription_succeeded":
            roster = data["presence"]
            assert set(roster["ids"]) == set(roster["hash"])
            assert roster["count"] == len(roster["ids"])
            return set(roster["ids"])
        case "pusher_internal:member_added":
            return "+" + data["user_id"]
        case "pusher_internal:member_removed":
            return "-" + data["user_id"]
        case event:
            raise AssertionError(event)


def come(channel: Channel, ear: Ear, entry: Entry) -> None:
    channel.wait(ear)
    admit(channel, ear, entry)


def test_who_comes_is_told_all_members_and_the_others_are_told_of_it() -> None:
    channel, alice = a_channel(NAME), Ear()
    come(channel, alice, an_entry(2, "a"))
    bob = Ear()
    channel.wait(bob)
    channel.joined(3, "b", b"")
    admit(channel, bob, an_entry(3, "a", "b"))
    channel.left(4, "b")
    channel.fanout.flush()
    assert told(alice) == [{"a"}, "+b", "-b"]
    assert told(bob) == [{"a", "b"}, "-b"]


def test_nobody_is_told_of_itself_when_its_own_announcement_is_late() -> None:
    channel, alice, bob = a_channel(NAME), Ear(), Ear()
    come(channel, alice, an_entry(2, "a"))
    come(channel, bob, an_entry(3, "a", "b"))
    channel.joined(2, "a", b"")
    channel.joined(3, "b", b"")
    channel.fanout.flush()
    assert told(alice) == [{"a"}, "+b"]
    assert told(bob) == [{"a", "b"}]


def test_announcements_before_the_first_answer_are_not_lost() -> None:
    channel, alice = a_channel(NAME), Ear()
    channel.wait(alice)
    channel.left(1, "x")
    channel.joined(2, "a", b"")
    channel.joined(3, "b", b"")
    channel.joined(4, "c", b"")
    channel.left(5, "b")
    admit(channel, alice, an_entry(2, "a"))
    channel.left(6, "c")
    channel.fanout.flush()
    members = told(alice)[0]
    for change in told(alice)[1:]:
        assert (change[1:] in members) is (change[0] == "-"), "each change is news to who hears of it"
        members ^= {change[1:]}
    assert members == {"a"}


def test_of_a_channel_whose_answers_overtake_one_another_everybody_knows_the_truth() -> None:
    channel, alice, bob = a_channel(NAME), Ear(), Ear()
    channel.wait(alice)
    channel.wait(bob)
    admit(channel, bob, an_entry(4, "a", "c", "b"))
    channel.joined(2, "a", b"")
    admit(channel, alice, an_entry(2, "a"))
    channel.joined(3, "c", b"")
    channel.joined(4, "b", b"")
    channel.left(5, "c")
    channel.fanout.flush()
    assert told(bob) == [{"a", "b", "c"}, "-c"]
    assert told(alice) == [{"a", "b", "c"}, "-c"]


def test_what_is_no_news_is_told_to_nobody() -> None:
    channel, alice = a_channel(NAME), Ear()
    come(channel, alice, an_entry(5, "a", "b"))
    channel.joined(4, "b", b"")
    channel.left(3, "b")
    channel.joined(6, "b", b"")
    channel.left(7, "x")
    channel.fanout.flush()
    assert told(alice) == [{"a", "b"}]


def test_a_second_confirmation_has_the_members_of_now() -> None:
    channel, alice = a_channel(NAME), Ear()
    come(channel, alice, an_entry(1, "a"))
    channel.joined(2, "b", b"")
    channel.fanout.flush()
    alice.write(channel.confirm(alice))
    assert told(alice) == [{"a"}, "+b", {"a", "b"}]


def test_a_second_confirmation_never_goes_back_to_before_the_first() -> None:
    channel, alice, bob = a_channel(NAME), Ear(), Ear()
    come(channel, alice, an_entry(1, "a"))
    come(channel, bob, an_entry(3, "a", "b", "c"))
    bob.write(channel.confirm(bob))
    channel.joined(2, "c", b"")
    bob.write(channel.confirm(bob))
    channel.joined(3, "b", b"")
    channel.left(4, "c")
    channel.fanout.flush()
    bob.write(channel.confirm(bob))
    assert told(bob) == [{"a", "b", "c"}] * 3 + ["-c", {"a", "b"}]


# After a loss


def test_after_a_loss_the_difference_is_told() -> None:
    channel, alice = a_channel(NAME), Ear()
    come(channel, alice, an_entry(3, "a", "b", "c"))
    channel.resynced(an_entry(9, "a", "c", "d"))
    channel.joined(9, "d", b"")
    channel.left(10, "d")
    channel.fanout.flush()
    assert told(alice) == [{"a", "b", "c"}, "-b", "+d", "-d"]


def test_news_of_a_loss_that_is_older_than_what_is_known_changes_nothing() -> None:
    channel, alice = a_channel(NAME), Ear()
    come(channel, alice, an_entry(5, "a", "b"))
    channel.resynced(an_entry(4, "b", "c"))
    channel.fanout.flush()
    alice.write(channel.confirm(alice))
    assert told(alice) == [{"a", "b"}, {"a", "b"}]


def test_who_came_after_a_loss_is_not_told_what_it_knows() -> None:
    channel, alice, bob = a_channel(NAME), Ear(), Ear()
    come(channel, alice, an_entry(2, "a", "x"))
    # That x has left, and b has come, was lost on the way to this node.
    come(channel, bob, an_entry(5, "a", "b"))
    channel.resynced(an_entry(6, "a", "b", version=5))
    channel.fanout.flush()
    assert told(alice) == [{"a", "x"}, "-x", "+b"]
    assert told(bob) == [{"a", "b"}]


def test_a_change_after_a_loss_does_not_hide_the_loss() -> None:
    channel, alice = a_channel(NAME), Ear()
    come(channel, alice, an_entry(2, "a", "x"))
    # That x has left, at 3, was lost.
    channel.joined(4, "b", b"")
    channel.resynced(an_entry(4, "a", "b"))
    channel.fanout.flush()
    assert told(alice) == [{"a", "x"}, "+b", "-x"]


def test_who_came_after_a_loss_is_told_what_is_no_news_to_the_others() -> None:
    channel, alice, bob = a_channel(NAME), Ear(), Ear()
    come(channel, alice, an_entry(2, "a", "x"))
    # That x has left, at 3, was lost.
    come(channel, bob, an_entry(3, "a"))
    channel.joined(4, "x", b"")
    channel.resynced(an_entry(4, "a", "x"))
    channel.fanout.flush()
    assert told(alice) == [{"a", "x"}]
    assert told(bob) == [{"a"}, "+x"]


@given(st.data())
def test_everybody_knows_the_truth_however_announcements_and_answers_travel(data: st.DataObject) -> None:
    """Some announcements are lost, which is made good in the end; answers may overtake them."""
    channel = a_channel(NAME)
    history = [frozenset({"a"})]
    on_their_way: list[tuple[int, str, bool]] = []
    ears: list[Ear] = []

    def truth(position: int | None = None) -> Entry:
        position = len(history) - 1 if position is None else position
        version = max(at for at in range(position + 1) if at == 0 or history[at] != history[at - 1])
        return an_entry(position, *sorted(history[position]), version=version)

    for step in data.draw(st.lists(st.sampled_from(["change", "arrive", "lose", "come", "resync"]), max_size=30)):
        if step == "change":
            user = data.draw(st.sampled_from("abc"))
            on_their_way.append((len(history), user, user not in history[-1]))
            history.append(history[-1] ^ {user})
        elif step == "come":
            ear = Ear()
            come(channel, ear, truth())
            ears.append(ear)
        elif step == "resync":
            channel.resynced(truth())
        elif on_their_way:
            position, user, has_come = on_their_way.pop(0)
            if step == "arrive":
                (channel.joined(position, user, b"") if has_come else channel.left(position, user))
    channel.resynced(truth())
    channel.fanout.flush()
    for ear in ears:
        members, *changes = told(ear)
        for change in changes:
            assert (change[1:] in members) is (change[0] == "-"), "each change is news to who hears of it"
            members ^= {change[1:]}
        assert members == history[-1]


def test_a_loss_before_the_first_answer_is_made_good_too() -> None:
    channel, alice = a_channel(NAME), Ear()
    channel.wait(alice)
    channel.joined(2, "a", b"")
    channel.resynced(an_entry(5, "a", "b"))
    admit(channel, alice, an_entry(2, "a"))
    channel.left(6, "b")
    channel.fanout.flush()
    assert told(alice) == [{"a", "b"}, "-b"]


def test_a_loss_in_a_channel_without_members_is_no_matter() -> None:
    channel = a_channel("news")
    alice = join(channel, an_entry(1))
    channel.resynced(an_entry(9))
    channel.fanout.flush()
    assert alice.heard == []
