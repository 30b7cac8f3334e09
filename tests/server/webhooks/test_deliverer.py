"""What happens to applications, and to their store, while events wait."""

from __future__ import annotations

import asyncio
import hmac
from contextlib import asynccontextmanager
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Any

from adapter.base import Topic
from adapter.local_outbox import LocalOutbox
from adapter.outbox import OutboxOptions
from server.apps import App
from server.apps.errors import AppUnusable, StoreUnavailable
from server.webhooks.deliverer import Deliverer
from server.webhooks.options import DeliveryOptions
from tests.server.webhooks.conftest import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.harness.receiver import Receiver

OPTIONS = DeliveryOptions(batch_time=0.0, first_retry=0.1, longest_retry=0.1, give_up_after=60.0)


class Applications:
    """A directory whose store fails for some of them."""

    has_all = False

    def __init__(self, *apps: App) -> None:
        self.known = {app.id: app for app in apps}
        self.problems: dict[str, StoreUnavailable] = {}
        self.asked_for: list[str] = []

    def by_id(self, id: str) -> App | None:  # noqa: A002
        return self.known.get(id)

    def by_key(self, key: str) -> App | None:
        raise NotImplementedError

    async def fetch(self, id: str) -> App | None:  # noqa: A002
        self.asked_for.append(id)
        if id in self.problems:
            raise self.problems[id]
        return None


class Told:
    """A deliverer and its outbox."""

    def __init__(self, apps: Applications) -> None:
        self.outbox = LocalOutbox(OutboxOptions(), clock=monotonic)
        self.deliverer = Deliverer(self.outbox, apps, OPTIONS)

    def tell(self, app_id: str, channel: str) -> None:
        self.outbox.notify(Topic(f"{app_id}/{channel}"), "cache_miss")


@asynccontextmanager
async def delivering(apps: Applications) -> AsyncIterator[Told]:
    told = Told(apps)
    task = asyncio.create_task(told.deliverer.run())
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.wait([task])


def an_app(receiver: Receiver, id: str = "1", **given: Any) -> App:  # noqa: A002
    return App.model_validate(
        {"id": id, "key": f"key-{id}", "secret": "old", "webhooks": [{"url": receiver.url()}]} | given
    )


async def test_each_attempt_is_signed_with_the_secret_of_its_time(receiver: Receiver) -> None:
    apps = Applications(an_app(receiver))
    receiver.behaviour["/hook"].status = 500
    async with delivering(apps) as told:
        told.tell("1", "cache-a")
        await until(lambda: receiver.requests)
        apps.known["1"] = an_app(receiver, secret="new", second_secret="old")
        receiver.behaviour["/hook"].status = 200
        await until(receiver.accepted)
    first, last = receiver.requests[0], receiver.requests[-1]
    assert (first.body, first.ids) == (last.body, last.ids)
    for request, secret in ((first, b"old"), (last, b"new")):
        assert request.headers["x-pusher-signature"] == hmac.new(secret, request.body, sha256).hexdigest()


async def test_a_disabled_application_is_told_what_happens_to_its_channels(receiver: Receiver) -> None:
    async with delivering(Applications(an_app(receiver, enabled=False))) as told:
        told.tell("1", "cache-a")
        await until(receiver.accepted)


async def test_a_deleted_application_is_told_nothing(receiver: Receiver) -> None:
    apps = Applications(an_app(receiver, "2"))
    async with delivering(apps) as told:
        told.tell("1", "cache-a")
        told.tell("2", "cache-b")
        await until(receiver.accepted)
    assert [event["channel"] for _, event in receiver.accepted()] == ["cache-b"]
    assert told.deliverer.numbers.events["1", "unwanted"] == 1


async def test_applications_that_nobody_can_tell_keep_no_others_waiting(receiver: Receiver) -> None:
    apps = Applications(an_app(receiver))
    apps.problems = {f"lost-{number}": StoreUnavailable("no answer") for number in range(20)}
    async with delivering(apps) as told:
        for app_id in apps.problems:
            told.tell(app_id, "cache-a")
            told.tell("1", f"cache-{app_id}")
        await until(lambda: len(receiver.accepted()) == 20)
        assert len(apps.asked_for) == 1, "a store that doesn't answer is asked again after a while"
        assert told.outbox.numbers.held_back == 20


async def test_a_mistake_in_one_application_does_not_keep_others_from_being_looked_up(receiver: Receiver) -> None:
    apps = Applications()
    apps.problems = {"1": AppUnusable("webhooks: can't be read")}
    async with delivering(apps) as told:
        for app_id in ("1", "2", "3"):
            told.tell(app_id, "cache-a")
        await until(lambda: told.outbox.numbers.held_back == 1)
        assert sorted(apps.asked_for) == ["1", "2", "3"]
