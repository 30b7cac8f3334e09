from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from server.channels.fanout import Delivered, Fanout
from server.protocol.frames import text_frame
from tests.server.channels.ear import Ear


def a_fanout(*subscribers: Ear) -> Fanout:
    fanout = Fanout(Delivered())
    for subscriber in subscribers:
        fanout.add(subscriber)
    return fanout


def gather(fanout: Fanout, *texts: bytes, left_out: tuple[Ear, ...] = ()) -> None:
    for text in texts:
        fanout.gather(text_frame(text), left_out=left_out)


def test_everybody_gets_all_messages_of_a_tick_in_one_write_of_the_same_bytes() -> None:
    alice, bob = Ear(), Ear()
    fanout = a_fanout(alice, bob)
    gather(fanout, b"1", b"2", b"3")
    assert alice.writes == []
    fanout.flush()
    assert len(alice.writes) == len(bob.writes) == 1
    assert alice.heard == [b"1", b"2", b"3"]
    assert alice.writes[0] is bob.writes[0]


def test_a_flush_of_nothing_writes_nothing() -> None:
    alice = Ear()
    fanout = a_fanout(alice)
    fanout.flush()
    gather(fanout, b"1")
    fanout.flush()
    fanout.flush()
    assert alice.heard == [b"1"]


def test_who_is_left_out_of_a_message_gets_the_others_in_their_order() -> None:
    alice, bob, carol = Ear(), Ear(), Ear()
    fanout = a_fanout(alice, bob, carol)
    gather(fanout, b"1")
    gather(fanout, b"2", left_out=(alice,))
    gather(fanout, b"3")
    gather(fanout, b"4", left_out=(alice, bob))
    fanout.flush()
    assert alice.heard == [b"1", b"3"]
    assert bob.heard == [b"1", b"2", b"3"]
    assert carol.heard == [b"1", b"2", b"3", b"4"]


def test_who_is_left_out_of_everything_is_not_written_to() -> None:
    alice, bob = Ear(), Ear()
    fanout = a_fanout(alice, bob)
    gather(fanout, b"1", left_out=(alice,))
    fanout.flush()
    assert alice.writes == []
    assert bob.heard == [b"1"]


def test_being_left_out_ends_with_the_flush() -> None:
    alice = Ear()
    fanout = a_fanout(alice)
    gather(fanout, b"1", left_out=(alice,))
    fanout.flush()
    gather(fanout, b"2")
    fanout.flush()
    assert alice.heard == [b"2"]


def test_who_comes_gets_nothing_from_before() -> None:
    alice, bob = Ear(), Ear()
    fanout = a_fanout(alice)
    gather(fanout, b"1")
    fanout.add(bob)
    gather(fanout, b"2")
    fanout.flush()
    assert alice.heard == [b"1", b"2"]
    assert bob.heard == [b"2"]


def test_who_goes_gets_what_was_gathered_and_nothing_after_it() -> None:
    alice, bob = Ear(), Ear()
    fanout = a_fanout(alice, bob)
    gather(fanout, b"1")
    fanout.remove(bob)
    gather(fanout, b"2")
    fanout.flush()
    assert bob.heard == [b"1"]
    assert alice.heard == [b"1", b"2"]


def test_the_size_is_that_of_what_is_gathered() -> None:
    fanout = a_fanout(Ear())
    gather(fanout, b"x" * 100, b"x" * 200)
    assert fanout.size == len(text_frame(b"x" * 100)) + len(text_frame(b"x" * 200))
    fanout.flush()
    assert fanout.size == 0


def test_deliveries_are_counted_for_each_who_got_them() -> None:
    alice, bob = Ear(), Ear()
    delivered = Delivered()
    fanout = Fanout(delivered)
    fanout.add(alice)
    fanout.add(bob)
    gather(fanout, b"1", b"2")
    fanout.flush()
    gather(fanout, b"3", left_out=(bob,))
    fanout.flush()
    assert delivered.messages == len(alice.heard) + len(bob.heard) == 5
    assert delivered.bytes == sum(len(data) for ear in (alice, bob) for data in ear.writes)


@dataclass
class Seat:
    ear: Ear
    is_in: bool = False
    # What it must have heard once everything is flushed.
    due: list[bytes] = field(default_factory=list)


class Coalescing(RuleBasedStateMachine):
    """Compares the fan-out with one that would write each message to each subscriber at once."""

    def __init__(self) -> None:
        super().__init__()
        self.delivered = Delivered()
        self.fanout = Fanout(self.delivered)
        self.seats = [Seat(Ear(str(number))) for number in range(4)]
        self.number = 0

    @rule(index=st.integers(0, 3))
    def come(self, index: int) -> None:
        if not self.seats[index].is_in:
            self.fanout.add(self.seats[index].ear)
            self.seats[index].is_in = True

    @rule(index=st.integers(0, 3))
    def go(self, index: int) -> None:
        seat = self.seats[index]
        self.fanout.remove(seat.ear)
        if seat.is_in:
            seat.is_in = False
            assert seat.ear.heard == seat.due, "what was gathered for it isn't lost by leaving"

    @rule(left_out=st.sets(st.integers(0, 3)))
    def tell(self, left_out: set[int]) -> None:
        text = b"%d" % self.number
        self.number += 1
        gather(self.fanout, text, left_out=tuple(self.seats[index].ear for index in left_out))
        for index, seat in enumerate(self.seats):
            if seat.is_in and index not in left_out:
                seat.due.append(text)

    @rule()
    def end_tick(self) -> None:
        self.fanout.flush()
        assert all(seat.ear.heard == seat.due for seat in self.seats)

    @invariant()
    def nobody_hears_what_is_not_due_or_in_another_order(self) -> None:
        for seat in self.seats:
            heard = seat.ear.heard
            assert heard == seat.due[: len(heard)]

    def teardown(self) -> None:
        self.fanout.flush()
        assert self.delivered.messages == sum(len(seat.due) for seat in self.seats)
        assert self.delivered.bytes == sum(len(data) for seat in self.seats for data in seat.ear.writes)


test_coalescing_is_invisible = Coalescing.TestCase
