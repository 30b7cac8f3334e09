"""A receiver, and nodes that tell it what happens."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from server.webhooks.sender import Sender
from tests.harness import Credentials, start_node
from tests.harness.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from tests.harness import RunningNode

    Start = Callable[..., RunningNode]

# Short times: what is tested is what happens, not how long people wait for it.
SETTINGS = {
    "SHOAL_WEBHOOK_DEBOUNCE": "0.2",
    "SHOAL_WEBHOOK_BATCH_TIME": "0.05",
    "SHOAL_WEBHOOK_FIRST_RETRY": "0.1",
    "SHOAL_WEBHOOK_LONGEST_RETRY": "0.2",
    "SHOAL_CLOSE_TIMEOUT": "0.2",
    "SHOAL_ABORT_TIMEOUT": "0.3",
    "SHOAL_DRAIN_TOKEN": "let-me-drain-this-node",
}
APP = {"id": "1001", "key": "key-1001", "secret": "secret-1001", "client_events": True, "subscription_count": True}

CREDENTIALS = Credentials("1001", "key-1001", "secret-1001")


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    sender = Sender(timeout=30.0, most_connections=4)
    yield sender
    await sender.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts nodes with these webhooks; they end with the test."""
    with ExitStack() as stack:

        def start_one(
            *webhooks: Mapping[str, Any], settings: Mapping[str, str] | None = None, without_apps: bool = False
        ) -> RunningNode:
            node = start_node(
                SETTINGS | dict(settings or {}), apps=[] if without_apps else [{**APP, "webhooks": list(webhooks)}]
            )
            if without_apps:
                node.app = CREDENTIALS
            return stack.enter_context(node)

        yield start_one


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for what comes in another thread or process."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.02)
