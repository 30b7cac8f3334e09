from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.server.hub.stage import Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage(asyncio.get_running_loop())
    await stage.start()
    yield stage
    await stage.stop()
