"""One request, and everything that it can come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from server.webhooks.sender import Outcome, Sender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.harness.receiver import Receiver


@pytest.fixture
async def hasty() -> AsyncIterator[Sender]:
    """One that soon gives up."""
    sender = Sender(timeout=0.3, most_connections=4)
    yield sender
    await sender.close()


@pytest.mark.parametrize("status", [200, 201, 204, 299])
async def test_a_2xx_is_a_success(sender: Sender, receiver: Receiver, status: int) -> None:
    receiver.behaviour["/hook"].status = status
    assert await sender.post(receiver.url(), b"{}", {}) == Outcome("delivered")


@pytest.mark.parametrize("status", [301, 400, 404, 500, 503])
async def test_everything_else_is_none(sender: Sender, receiver: Receiver, status: int) -> None:
    receiver.behaviour["/hook"].status = status
    assert await sender.post(receiver.url(), b"{}", {}) == Outcome("refused", f"answered {status}")


async def test_an_answer_has_its_time(hasty: Sender, receiver: Receiver) -> None:
    receiver.behaviour["/hook"].answers.clear()
    assert (await hasty.post(receiver.url(), b"{}", {})).result == "timeout"


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/", f"http://{'a' * 64}.example/", "http://a..b/", "http://no.such.invalid/"],
)
async def test_what_cannot_be_reached_is_a_failure_like_others(hasty: Sender, url: str) -> None:
    outcome = await hasty.post(url, b"{}", {})
    assert outcome.result in {"unreachable", "timeout"}
    assert outcome.why


async def test_connections_are_used_again(sender: Sender, receiver: Receiver) -> None:
    for _ in range(3):
        await sender.post(receiver.url(), b"{}", {})
    assert len({request.client for request in receiver.requests}) == 1
