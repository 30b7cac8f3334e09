"""The outbox of a node that is alone: its bounds, and its times."""

from __future__ import annotations

from adapter.base import Topic
from adapter.local_outbox import LocalOutbox
from adapter.outbox import OutboxOptions, Wants

TOPIC = Topic("app/room")


class Stage:
    """An outbox whose time the test makes pass."""

    def __init__(self, **options: float) -> None:
        self.now = 100.0
        values = {name: type(getattr(OutboxOptions(), name))(value) for name, value in options.items()}
        self.outbox = LocalOutbox(OutboxOptions(**values), clock=lambda: self.now, wall=lambda: self.now)
        self.outbox.keep(lambda topic: Wants.OCCUPANCY | Wants.MEMBERS | Wants.COUNTS)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.outbox.lapse()
        self.outbox.forget()

    async def kinds(self) -> list[str]:
        if not self.outbox.numbers.waiting:
            return []
        notices = await self.outbox.take(100)
        for notice in notices:
            self.outbox.done(notice)
        return [notice.kind for notice in notices]


async def test_a_full_outbox_takes_no_more_and_counts_that() -> None:
    stage = Stage(most=2)
    for user in "abc":
        stage.outbox.begins(TOPIC, user)
    assert (stage.outbox.numbers.waiting, stage.outbox.numbers.dropped) == (2, 1)


async def test_what_is_postponed_is_bounded_too() -> None:
    stage = Stage(most=3)
    for user in "abc":
        stage.outbox.begins(TOPIC, user)
    for notice in await stage.outbox.take(3):
        for only in ("e1", "e2"):
            stage.outbox.postpone(notice, only, 1.0)
    assert (stage.outbox.numbers.held_back, stage.outbox.numbers.dropped) == (3, 3)


async def test_dead_letters_that_find_no_room_stay_where_they_are() -> None:
    stage = Stage(most=2)
    for user in "ab":
        stage.outbox.begins(TOPIC, user)
    for notice in await stage.outbox.take(2):
        stage.outbox.bury(notice, "e1", "why")
        stage.outbox.done(notice)
    stage.outbox.begins(TOPIC, "c")
    letters = [letter.id for letter in await stage.outbox.buried(10)]
    assert await stage.outbox.retry(letters) == 1
    assert [letter.id for letter in await stage.outbox.buried(10)] == letters[1:]
    assert stage.outbox.numbers.dropped == 0


async def test_dead_letters_are_bounded() -> None:
    stage = Stage(most_buried=2)
    for user in "abc":
        stage.outbox.begins(TOPIC, user)
    for notice in await stage.outbox.take(3):
        stage.outbox.bury(notice, "e1", "why")
        stage.outbox.done(notice)
    assert [letter.notice.user for letter in await stage.outbox.buried(10)] == ["b", "c"]
    assert (stage.outbox.numbers.buried, stage.outbox.numbers.dropped) == (2, 1)


async def test_leaving_and_coming_back_again_and_again_is_told_when_it_ends() -> None:
    stage = Stage(debounce=3.0)
    stage.outbox.begins(TOPIC, None)
    assert await stage.kinds() == ["occupied"]
    for _ in range(5):
        stage.outbox.ends(TOPIC, None)
        stage.wait(2.0)
        stage.outbox.begins(TOPIC, None)
        stage.wait(2.0)
    assert await stage.kinds() == []
    stage.outbox.ends(TOPIC, None)
    stage.wait(2.9)
    assert stage.outbox.numbers.held_back == 1
    stage.wait(0.2)
    assert await stage.kinds() == ["vacated"]


async def test_the_age_of_the_oldest_is_known() -> None:
    stage = Stage()
    assert stage.outbox.numbers.oldest == 0.0
    stage.outbox.begins(TOPIC, None)
    stage.wait(7.0)
    assert stage.outbox.numbers.oldest == 7.0
    (notice,) = await stage.outbox.take(1)
    assert (notice.age, notice.at) == (7.0, 100.0)
