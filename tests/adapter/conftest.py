"""Clusters for tests that are for every adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.adapter.clusters import LocalCluster, RedisCluster
from tests.adapter.redis.masters import Masters
from tests.adapter.redis.servers import binary_of, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.adapter.clusters import Cluster


@pytest.fixture(scope="module")
def server_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of servers of a kind; empty for none."""
    match request.param:
        case "local":
            yield ""
        case "masters":
            with Masters() as masters:
                yield masters.url
        case kind:
            with running(binary_of(kind), tmp_path_factory.mktemp(kind)) as server:
                yield server.url


@pytest.fixture
async def cluster(server_url: str) -> AsyncIterator[Cluster]:
    async with RedisCluster(server_url) if server_url else LocalCluster() as cluster:
        yield cluster


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server_url" in metafunc.fixturenames:
        metafunc.parametrize("server_url", ["local", "valkey", "redis", "masters"], indirect=True, scope="module")
