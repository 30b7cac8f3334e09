"""What one endpoint is told, and when: batches, retries, giving up."""

from __future__ import annotations

import math

from adapter.base import Topic
from adapter.outbox import Notice
from server.webhooks.batch import Batch, Pending
from server.webhooks.endpoints import Endpoint
from server.webhooks.line import A_MOMENT, Line
from server.webhooks.options import DeliveryOptions

OPTIONS = DeliveryOptions(batch_events=3, batch_bytes=100, batch_time=0.5, endpoint_concurrency=2, endpoint_queue=5)
ENDPOINT = Endpoint("app", "https://example.com/hook")


def pending(number: int = 1, *, size: int = 10, happened_at: float = 0.0) -> Pending:
    notice = Notice(f"0-{number}", Topic("app/c"), "occupied", "", b"", at=float(number), age=0.0)
    return Pending(notice, b"x" * size, happened_at)


def a_line(*events: Pending, now: float = 0.0, chance: float = 1.0, options: DeliveryOptions = OPTIONS) -> Line:
    line = Line(ENDPOINT, options, lambda: chance)
    for event in events:
        line.add(event, now=now)
    return line


def sent(line: Line, now: float) -> Batch:
    batch = line.next(now=now)
    assert batch is not None
    return batch


def test_an_event_waits_for_company_and_not_for_long() -> None:
    line = a_line(pending(1))
    line.add(pending(2), now=0.4)
    assert line.wake_at == 0.5
    assert line.next(now=0.49) is None
    assert sent(line, 0.5).ids == "0-1,0-2"
    assert line.next(now=9.0) is None
    assert line.wake_at == math.inf


def test_a_full_batch_does_not_wait() -> None:
    line = a_line(*map(pending, range(4)))
    assert line.wake_at <= 0.0
    assert len(sent(line, 0.0).notices) == 3
    assert line.next(now=0.4) is None
    assert len(sent(line, 0.5).notices) == 1


def test_a_batch_is_bounded_by_its_size_too_and_a_large_event_goes_alone() -> None:
    line = a_line(pending(1, size=60), pending(2, size=60), pending(3, size=500))
    assert sent(line, 0.0).ids == "0-1"
    assert sent(line, 0.0).ids == "0-2"
    line.succeeded(Batch(ENDPOINT, [pending(1)]))
    assert line.next(now=0.0) is None


def test_requests_to_one_endpoint_are_bounded() -> None:
    line = a_line(*map(pending, range(9)))
    first, _ = sent(line, 0.0), sent(line, 0.0)
    assert line.next(now=0.0) is None
    assert line.wake_at == math.inf
    line.succeeded(first)
    assert len(sent(line, 0.0).notices) == 3


def test_rests_double_up_to_the_longest() -> None:
    line = a_line(pending(happened_at=0.0))
    now, rests = 0.5, []
    batch = sent(line, now)
    while not line.failed(batch, now=now):
        rests.append(line.wake_at - now)
        now = line.wake_at
        assert line.next(now=now - 0.01) is None
        assert sent(line, now) is batch
    assert rests == [1, 2, 4, 8, 16, *[30] * 8]
    assert (line.is_idle, batch.attempts) == (True, 14)


def test_chance_makes_rests_shorter_by_half_at_most() -> None:
    line = a_line(pending(), chance=0.0)
    line.failed(sent(line, 0.5), now=1.0)
    assert line.wake_at == 1.5


def test_what_comes_late_has_one_attempt() -> None:
    line = a_line(pending(happened_at=-1000.0))
    assert line.failed(sent(line, 0.5), now=0.6)
    assert line.is_idle


def test_one_that_fails_gets_one_request_at_a_time_until_one_succeeds() -> None:
    line = a_line(*map(pending, range(12)))
    first, second = sent(line, 0.0), sent(line, 0.0)
    line.failed(first, now=0.0)
    assert line.next(now=0.0) is None
    line.failed(second, now=0.0)
    third = sent(line, 0.0)
    assert line.next(now=0.0) is None
    line.succeeded(third)
    assert {sent(line, 5.0), sent(line, 5.0)} == {first, second}


def test_others_go_on_while_a_batch_rests() -> None:
    line = a_line(pending(1))
    line.failed(sent(line, 0.5), now=0.5)
    line.add(pending(2), now=0.6)
    assert sent(line, 1.1).ids == "0-2"


def test_a_line_is_full_with_all_that_is_not_dealt_with() -> None:
    line = a_line(*map(pending, range(5)))
    assert line.is_full
    line.succeeded(sent(line, 0.0))
    assert (line.is_full, line.size) == (False, 2)


def test_a_full_line_is_behind_when_somebody_waits_for_long_in_it() -> None:
    line = a_line(*map(pending, range(9)))
    assert not line.is_behind(A_MOMENT)
    assert line.is_behind(A_MOMENT + 0.1)
    # Those that wait now have come later.
    line.succeeded(sent(line, 0.0))
    assert line.is_behind(A_MOMENT + 0.1)
    line.succeeded(sent(line, 0.0))
    assert not line.is_behind(A_MOMENT + 0.1)


def test_a_full_line_is_behind_at_once_when_its_endpoint_fails_or_nothing_but_answers_is_awaited() -> None:
    line = a_line(*map(pending, range(6)))
    batch, _ = sent(line, 0.0), sent(line, 0.0)
    assert line.is_behind(0.0)
    line.add(pending(7), now=0.0)
    assert not line.is_behind(0.0)
    line.failed(batch, now=0.0)
    assert line.is_behind(0.0)


def test_the_oldest_event_is_known_wherever_it_is() -> None:
    line = a_line(pending(1, happened_at=3.0))
    assert line.oldest == 3.0
    batch = sent(line, 4.0)
    line.add(pending(2, happened_at=4.0), now=4.0)
    assert line.oldest == 3.0
    line.succeeded(batch)
    assert line.oldest == 4.0
    assert a_line().oldest == math.inf


def test_the_last_call_is_for_everything_and_once() -> None:
    line = a_line(pending(1))
    line.failed(sent(line, 0.5), now=0.5)
    line.add(pending(2), now=0.5)
    batches = [line.next(now=0.5, is_last_call=True), line.next(now=0.5, is_last_call=True)]
    assert sorted(batch.ids for batch in batches if batch) == ["0-1", "0-2"]
    for batch in batches:
        assert batch is not None
        assert line.failed(batch, now=0.6, is_last_call=True)
    assert line.is_idle
