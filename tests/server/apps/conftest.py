"""Databases and a Redis that the tests of a module share; each test finds them empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.adapter.redis.servers import running, valkey_binary
from tests.server.apps.databases import mariadb, postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.adapter.redis.servers import Server
    from tests.server.apps.databases import Database


@pytest.fixture(scope="package")
def postgresql_server() -> Iterator[Database]:
    with postgresql() as database:
        yield database


@pytest.fixture(scope="package")
def mariadb_server() -> Iterator[Database]:
    with mariadb() as database:
        yield database


@pytest.fixture(scope="package")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(valkey_binary(), tmp_path_factory.mktemp("redis")) as server:
        yield server
