"""One node for all tests with real clients, and what JavaScript clients need."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.clients.apps import APPS, SETTINGS
from tests.clients.packages import Missing, require_packages
from tests.clients.scenarios import Scenarios
from tests.harness import start_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import RunningNode


@pytest.fixture(scope="session")
def node() -> Iterator[RunningNode]:
    """A node with all the applications; each test keeps to channels and users of its own."""
    with start_node(SETTINGS, apps=list(APPS.values())) as running:
        yield running


@pytest.fixture(scope="session")
def javascript() -> None:
    """Skip where JavaScript can't be run; but CI must have run everything, so there it is a failure."""
    try:
        require_packages()
    except Missing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def scenarios(javascript: None, node: RunningNode) -> Scenarios:
    """The scenarios in JavaScript, run when the first of their checks is asked for."""
    return Scenarios(node)
