"""200 means accepted, and not before."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest

from adapter.base import topic_of
from adapter.errors import Unavailable
from adapter.local import LocalAdapter
from tests.server.api.back_end import BackEnd
from tests.server.api.conftest import APP, Counted, api_over, client_of

if TYPE_CHECKING:
    from asyncio import Future

    from adapter.base import Topic

EVENT = {"name": "greeting", "data": "hello", "channels": ["a", "b"]}
A, B = topic_of(APP.id, "a"), topic_of(APP.id, "b")


class SlowAdapter(LocalAdapter):
    """One whose publishes are accepted, or refused, when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.accepting: list[tuple[Topic, str, Future[None]]] = []
        self.called = asyncio.Event()

    def publish(
        self, topic: Topic, payload: bytes, *, sender: str = "", remember: float = 0.0, once: str = ""
    ) -> Future[None]:
        future: Future[None] = asyncio.get_running_loop().create_future()
        self.accepting.append((topic, once, future))
        self.called.set()
        return future


@pytest.fixture
def slow() -> SlowAdapter:
    return SlowAdapter()


async def test_all_channels_are_asked_before_any_is_waited_for(slow: SlowAdapter) -> None:
    async with client_of(api_over(slow, Counted())) as client, asyncio.TaskGroup() as tasks:
        body = {**EVENT, "idempotency_key": "k"}
        post = tasks.create_task(BackEnd(client, APP).post("/events", body))
        await slow.called.wait()
        assert [(topic, once) for topic, once, _ in slow.accepting] == [(A, "k/0"), (B, "k/0")]
        assert not post.done()
        for _, _, future in slow.accepting:
            future.set_result(None)
    assert post.result().content == b"{}"


async def test_unavailable_cluster_is_503_with_the_time_to_wait(slow: SlowAdapter) -> None:
    counted = Counted()
    async with client_of(api_over(slow, counted)) as client, asyncio.TaskGroup() as tasks:
        post = tasks.create_task(BackEnd(client, APP).post("/events", EVENT))
        await slow.called.wait()
        slow.accepting[0][2].set_result(None)
        slow.accepting[1][2].set_exception(Unavailable("away", retry_after=1.5))
    assert post.result().status_code == 503
    assert post.result().text.startswith("503 SERVICE UNAVAILABLE: ")
    assert post.result().headers["content-type"] == "text/plain; charset=utf-8"
    assert post.result().headers["retry-after"] == "2"
    assert counted.publications == []


async def test_several_channels_that_fail_are_one_answer_and_no_complaint_of_asyncio(slow: SlowAdapter) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    async with client_of(api_over(slow, Counted())) as client, asyncio.TaskGroup() as tasks:
        post = tasks.create_task(BackEnd(client, APP).post("/events", EVENT))
        await slow.called.wait()
        while slow.accepting:
            slow.accepting.pop()[2].set_exception(Unavailable("away"))
    assert post.result().status_code == 503
    assert post.result().headers["retry-after"] == "1"
    # Errors that nobody looked at are complained of when their futures are collected.
    gc.collect()
    assert complaints == []
