"""Nodes for all tests with real clients, what JavaScript clients need, and back ends in Python."""

from __future__ import annotations

import base64
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from pusher import Pusher

from tests.clients.apps import APPS, IMPATIENT, SETTINGS
from tests.clients.packages import require_or_skip
from tests.clients.scenarios import Scenarios
from tests.harness import start_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.harness import RunningNode

MASTER_KEY = base64.b64encode(b"a master key of thirty-two bytes").decode()


@pytest.fixture(scope="session")
def node() -> Iterator[RunningNode]:
    """A node with all the applications; each test keeps to channels and users of its own."""
    with start_node(SETTINGS, apps=list(APPS.values())) as running:
        yield running


@pytest.fixture(scope="session")
def impatient_node() -> Iterator[RunningNode]:
    """Another, that soon asks silent clients for a sign of life, and soon gives up on them."""
    with start_node(SETTINGS | IMPATIENT, apps=list(APPS.values())) as running:
        yield running


@pytest.fixture(scope="session")
def javascript() -> None:
    """Skip where JavaScript can't be run."""
    require_or_skip()


@pytest.fixture(scope="session")
def scenarios(javascript: None, node: RunningNode, request: pytest.FixtureRequest) -> Scenarios:
    """The scenarios in JavaScript, each run when the first of its checks is asked for."""

    def node_for(scenario: str) -> RunningNode:
        is_impatient = scenario.startswith("impatient/")
        running: RunningNode = request.getfixturevalue("impatient_node") if is_impatient else node
        return running

    return Scenarios(node_for)


@pytest.fixture
def create_backend(node: RunningNode) -> Iterator[Callable[[Mapping[str, Any]], Pusher]]:
    """Create official HTTP clients for applications; what they keep open is closed at the end."""
    with ExitStack() as stack:

        def create(app: Mapping[str, Any]) -> Pusher:
            where = {"host": node.host, "port": node.port, "ssl": False}
            backend = Pusher(app["id"], app["key"], app["secret"], encryption_master_key_base64=MASTER_KEY, **where)
            for part in (backend._pusher_client, backend._authentication_client):
                stack.enter_context(part.http.session)
            return backend

        yield create


@pytest.fixture
def backend(create_backend: Callable[[Mapping[str, Any]], Pusher]) -> Pusher:
    """The back end of the main application."""
    return create_backend(APPS["main"])
