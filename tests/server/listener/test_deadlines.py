from __future__ import annotations

from server.listener.deadlines import Deadlines
from tests.server.listener.fakes import FakeClock


def a_queue() -> tuple[Deadlines[str], FakeClock, list[str]]:
    clock, expired = FakeClock(), list[str]()
    return Deadlines(10.0, expired.append, clock), clock, expired


def test_who_waits_too_long_is_told_once() -> None:
    queue, clock, expired = a_queue()
    queue.start("a")
    clock.go_to(9.9)
    assert expired == []
    clock.go_to(10.0)
    assert expired == ["a"]
    assert "a" not in queue
    clock.go_to(100.0)
    assert expired == ["a"]


def test_who_stops_waiting_is_not_told() -> None:
    queue, clock, expired = a_queue()
    queue.start("a")
    queue.stop("a")
    queue.stop("never started")
    clock.go_to(100.0)
    assert expired == []


def test_starting_again_begins_anew() -> None:
    queue, clock, expired = a_queue()
    queue.start("a")
    clock.go_to(6.0)
    queue.start("b")
    queue.start("a")
    clock.go_to(15.9)
    assert expired == []
    clock.go_to(17.0)
    assert sorted(expired) == ["a", "b"]


def test_nobody_is_told_early_and_all_soon_after() -> None:
    queue, clock, expired = a_queue()
    for index in range(100):
        clock.go_to(index * 0.1)
        queue.start(str(index))
    for moment in range(100, 220):
        now = moment * 0.1
        clock.go_to(now)
        begun = [index for index in range(100) if index * 0.1 <= now - 10.0 + 1e-9]
        late = [index for index in range(100) if index * 0.1 <= now - 10.6]
        assert len(late) <= len(expired) <= len(begun)
    assert len(expired) == 100


def test_many_waiters_share_one_timer_and_few_sweeps() -> None:
    queue, clock, expired = a_queue()
    for index in range(1000):
        clock.go_to(index * 0.01)
        queue.start(str(index))
        assert len(clock.timers) == 1
    clock.go_to(100.0)
    assert len(expired) == 1000
    assert clock.rung <= 30
    assert clock.timers == []


def test_a_waiter_that_starts_again_when_told_is_told_again() -> None:
    clock, told = FakeClock(), list[float]()

    def start_again(waiter: str) -> None:
        told.append(clock.now)
        queue.start(waiter)

    queue = Deadlines(10.0, start_again, clock)
    queue.start("a")
    clock.go_to(35.0)
    assert told == [10.0, 20.0, 30.0]


def test_close_forgets_everybody() -> None:
    queue, clock, expired = a_queue()
    queue.start("a")
    queue.close()
    assert clock.timers == []
    clock.go_to(100.0)
    assert expired == []
