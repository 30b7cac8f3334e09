"""Numbered writes."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from adapter.redis.shard.numbering import Line, Write


def a_write(name: str = "publish", *, is_patient: bool = False) -> Write:
    return Write(name, (), "app/topic", "channel", (), is_patient=is_patient)


def an_open_line() -> Line:
    line = Line()
    line.is_open = True
    return line


def test_numbers_are_given_on_sending_in_order() -> None:
    line = Line()
    first, second = a_write(), a_write()
    line.add(first)
    line.add(second)
    assert line.to_send() == []
    line.is_open = True
    assert line.to_send() == [first, second]
    assert (first.number, second.number) == (1, 2)


def test_a_write_goes_out_at_once_if_nothing_is_before_it() -> None:
    line = an_open_line()
    write = a_write()
    assert line.add(write)
    assert (write.number, line.to_send()) == (1, [])


def test_what_is_refused_is_sent_again_with_its_followers_and_its_number() -> None:
    line = an_open_line()
    writes = [a_write() for _ in range(3)]
    for write in writes:
        line.add(write)
    line.applied(writes[0])
    line.refused()
    assert line.to_send() == [], "an answer is outstanding still"
    assert not line.add(late := a_write())
    line.refused()
    assert line.to_send() == [writes[1], writes[2], late]
    assert [writes[1].number, writes[2].number, late.number] == [2, 3, 4]


def test_what_is_sent_again_is_not_sent_a_third_time_while_answers_to_it_are_outstanding() -> None:
    line = an_open_line()
    writes = [a_write() for _ in range(2)]
    for write in writes:
        line.add(write)
    line.lost()
    line.is_open = True
    assert line.to_send() == writes
    line.refused()
    assert line.to_send() == []
    assert not line.applied(writes[1]), "behind one that was refused it is a repeat, and is repeated"
    assert line.to_send() == writes


def test_what_was_on_a_lost_link_is_sent_again() -> None:
    line = an_open_line()
    line.add(write := a_write())
    line.lost()
    assert line.to_send() == []
    line.is_open = True
    assert line.to_send() == [write]
    line.applied(write)
    assert (line.acknowledged, line.is_idle) == (1, True)


def test_patient_writes_wait_while_the_shard_settles_and_others_overtake() -> None:
    line = an_open_line()
    line.is_settling = True
    assert not line.add(enter := a_write("enter", is_patient=True))
    assert line.add(publish := a_write())
    assert line.to_send() == []
    line.is_settling = False
    assert line.to_send() == [enter]
    assert (publish.number, enter.number) == (1, 2)


async def test_overdue_writes_leave_the_line_unless_they_have_a_number() -> None:
    import asyncio

    loop = asyncio.get_running_loop()
    line = an_open_line()
    sent, waiting = a_write(), a_write()
    sent.future, waiting.future = loop.create_future(), loop.create_future()
    sent.asked_at = waiting.asked_at = 1.0
    line.add(sent)
    line.lost()
    line.add(waiting)
    assert line.overdue(0.9) == []
    assert line.overdue(1.0) == [sent, waiting]
    line.is_open = True
    assert line.to_send() == [sent], "nobody knows whether it was applied, so it keeps its place"


def test_another_boot_numbers_from_one_and_leaves_out_what_was_applied() -> None:
    line = an_open_line()
    applied, state, unknown = a_write(), a_write("enter", is_patient=True), a_write()
    for write in (applied, state, unknown):
        line.add(write)
    line.is_open = False
    line.add(waiting := a_write())
    assert line.begin_again(applied=2) == [applied]
    line.is_open = True
    assert line.to_send() == [state, unknown, waiting]
    assert [state.number, unknown.number, waiting.number] == [1, 2, 3]
    assert line.pending == 3
    for write in (state, unknown, waiting):
        assert line.applied(write)
    assert line.is_idle


class Redis:
    """Applies numbered writes as scripts/_write.lua does."""

    def __init__(self) -> None:
        self.stored = 0
        self.applied: list[Write] = []

    def take(self, write: Write) -> bool:
        if write.number > self.stored + 1:
            return False
        if write.number == self.stored + 1:
            self.stored += 1
            self.applied.append(write)
        return True


@given(st.lists(st.sampled_from(["add", "answer", "refuse", "lose", "lose answers"])))
def test_each_write_is_applied_once_and_in_order_whatever_happens(steps: list[str]) -> None:
    line, redis = an_open_line(), Redis()
    added: list[Write] = []
    wire: deque[Write] = deque()

    def answer(*, refuse: bool = False) -> None:
        write = wire.popleft()
        if not refuse and redis.take(write):
            line.applied(write)
        else:
            line.refused()
        wire.extend(line.to_send())

    for step in [*steps, "lose answers"]:
        if step == "add":
            added.append(write := a_write())
            if line.add(write):
                wire.append(write)
        elif step in {"answer", "refuse"} and wire:
            answer(refuse=step == "refuse")
        elif step.startswith("lose"):
            for write in wire if step == "lose answers" else ():
                redis.take(write)
            wire.clear()
            line.lost()
            line.is_open = True
            wire.extend(line.to_send())
    while wire:
        answer()
    assert redis.applied == added
    assert line.is_idle
