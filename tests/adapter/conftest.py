"""Clusters for tests that are for every adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.adapter.clusters import LocalCluster, RedisCluster
from tests.adapter.redis.servers import running, valkey_binary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.adapter.clusters import Cluster


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(valkey_binary(), tmp_path_factory.mktemp("contract")) as server:
        yield server.url


@pytest.fixture(params=["local", "redis"])
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    if request.param == "local":
        async with LocalCluster() as local:
            yield local
        return
    async with RedisCluster(request.getfixturevalue("redis_url")) as redis:
        yield redis
