"""From a notice to the endpoints that want it, and back to the outbox."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import pytest

from adapter.base import Topic
from adapter.outbox import Notice
from server.apps import App
from server.webhooks.ledger import POSTPONE, Bury, Done, Ledger, Postpone
from server.webhooks.options import DeliveryOptions

if TYPE_CHECKING:
    from server.webhooks.batch import Batch

OPTIONS = DeliveryOptions(batch_time=0.0, endpoint_queue=2, concurrency=3)


def an_app(*webhooks: dict[str, Any]) -> App:
    return App.model_validate({"id": "app", "key": "k", "secret": "s", "webhooks": webhooks})


TWO = an_app({"url": "http://one"}, {"url": "http://two", "channel_name_starts_with": "presence-"})


def a_notice(number: int = 1, *, channel: str = "presence-a", age: float = 0.0, only: str = "", **given: Any) -> Notice:
    values = {"kind": "joined", "user": "u", "payload": b""} | given
    topic = Topic(f"app/{channel}")
    return Notice(f"0-{number}", topic, at=1000.0, age=age, only=only, handle=str(number), **values)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(OPTIONS, chance=lambda: 0.5)


def batches(ledger: Ledger, now: float = 1.0) -> list[Batch]:
    found = []
    while batch := ledger.next(now=now):
        found.append(batch)
    return found


def test_a_notice_is_done_when_each_endpoint_has_it(ledger: Ledger) -> None:
    notice = a_notice()
    assert ledger.add(notice, TWO, now=1.0) == []
    one, two = batches(ledger)
    assert {one.endpoint.url, two.endpoint.url} == {"http://one", "http://two"}
    assert ledger.succeeded(one) == []
    assert ledger.succeeded(two) == [Done(notice)]
    assert ledger.size == 0


def test_what_nobody_wants_is_done_at_once(ledger: Ledger) -> None:
    for notice, app in (
        (a_notice(), None),
        (a_notice(), an_app()),
        (a_notice(kind="what a later release tells"), TWO),
        (a_notice(channel="#server-to-user-u"), TWO),
        # A node that doesn't know the application keeps all; this one has no subscription counts.
        (a_notice(channel="room", kind="counted", payload=b"0"), TWO),
    ):
        assert ledger.add(notice, app, now=1.0) == [Done(notice)]


def test_an_address_is_told_once_however_many_webhooks_have_it(ledger: Ledger) -> None:
    app = an_app({"url": "http://one", "event_types": ["member_added"]}, {"url": "http://one"})
    ledger.add(a_notice(), app, now=1.0)
    assert len(batches(ledger)) == 1


def test_a_notice_for_one_goes_to_no_other(ledger: Ledger) -> None:
    ledger.add(a_notice(), TWO, now=1.0)
    (one, _) = batches(ledger)
    again = a_notice(2, only=one.endpoint.id)
    ledger.add(again, TWO, now=1.0)
    (batch,) = batches(ledger)
    assert batch.endpoint == one.endpoint
    assert ledger.succeeded(batch) == [Done(again)]


def fill(ledger: Ledger) -> None:
    """Have the line of one endpoint full; what is in it has been there for long."""
    app = an_app({"url": "http://one"})
    for number in (1, 2):
        assert ledger.add(a_notice(number), app, now=-10.0) == []


def test_what_comes_to_a_line_that_is_behind_stays_in_the_outbox(ledger: Ledger) -> None:
    fill(ledger)
    third = a_notice(3)
    (postponed, done) = ledger.add(third, an_app({"url": "http://one"}), now=1.0)
    assert postponed == Postpone(third, batches(ledger)[0].endpoint.id, POSTPONE)
    assert done == Done(third)


def test_at_the_last_call_nothing_is_left_in_the_outbox(ledger: Ledger) -> None:
    fill(ledger)
    ledger.is_last_call = True
    assert ledger.add(a_notice(3), an_app({"url": "http://one"}), now=1.0) == []


def test_nothing_more_is_taken_while_a_full_line_is_about_to_have_room(ledger: Ledger) -> None:
    assert ledger.has_room(1.0)
    fill(ledger)
    assert not ledger.has_room(-9.0)
    # It is behind: there is no point in waiting for it.
    assert ledger.has_room(1.0)


def test_what_a_line_that_is_behind_has_not_taken_for_long_is_given_up(ledger: Ledger) -> None:
    fill(ledger)
    (buried, _) = ledger.add(a_notice(3, age=301.0), an_app({"url": "http://one"}), now=1.0)
    assert isinstance(buried, Bury)


def test_a_line_that_is_behind_is_no_other_endpoints_concern(ledger: Ledger) -> None:
    fill(ledger)
    notice = a_notice(3)
    effects = ledger.add(notice, TWO, now=1.0)
    assert [type(effect) for effect in effects] == [Postpone]
    two = next(batch for batch in batches(ledger) if batch.endpoint.url == "http://two")
    assert ledger.succeeded(two) == [Done(notice)]


def test_what_one_endpoint_never_takes_is_buried_for_it_alone(ledger: Ledger) -> None:
    notice = a_notice(age=1000.0)
    ledger.add(notice, TWO, now=1.0)
    one, two = batches(ledger)
    assert ledger.failed(one, "answered 500", now=1.0) == [Bury(notice, one.endpoint, "answered 500")]
    assert ledger.succeeded(two) == [Done(notice)]


def test_endpoints_take_turns() -> None:
    ledger = Ledger(DeliveryOptions(batch_events=1), chance=lambda: 0.5)
    app = an_app(*({"url": f"http://{name}"} for name in "ab"))
    for number in (1, 2):
        ledger.add(a_notice(number), app, now=1.0)
    assert [batch.endpoint.url for batch in batches(ledger)] == ["http://a", "http://b", "http://a", "http://b"]


def test_requests_of_a_node_are_bounded(ledger: Ledger) -> None:
    app = an_app(*({"url": f"http://{number}"} for number in range(5)))
    ledger.add(a_notice(), app, now=1.0)
    first = batches(ledger)
    assert len(first) == 3
    ledger.succeeded(first[0])
    assert len(batches(ledger)) == 1


@pytest.mark.parametrize("seed", range(20))
def test_whoever_wakes_up_when_it_says_so_misses_nothing(seed: int) -> None:
    chance = random.Random(seed)
    options = DeliveryOptions(batch_events=3, endpoint_queue=12, endpoint_concurrency=2, concurrency=5)
    ledger = Ledger(options, chance=chance.random)
    app = an_app(*({"url": f"http://{number}"} for number in range(7)))
    now, open_, under_way = 0.0, 0, []
    for number in range(100):
        effects = ledger.add(a_notice(number), app, now=now)
        open_ += 7 - sum(isinstance(effect, Postpone) for effect in effects)
        while chance.random() < 0.7:
            under_way += batches(ledger, now)
            if not under_way:
                now = min(ledger.wake_at, now + 0.3)
                continue
            batch = under_way.pop(chance.randrange(len(under_way)))
            if chance.random() < 0.3:
                assert ledger.failed(batch, "answered 500", now=now) == []
            else:
                ledger.succeeded(batch)
                open_ -= len(batch.notices)
    while open_:
        under_way += batches(ledger, now)
        if under_way:
            open_ -= len(under_way[-1].notices)
            ledger.succeeded(under_way.pop())
        else:
            assert now < ledger.wake_at < math.inf
            now = ledger.wake_at
    assert (ledger.size, batches(ledger, math.inf)) == (0, [])
