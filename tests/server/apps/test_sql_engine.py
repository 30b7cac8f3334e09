"""Databases that are reached with TLS, by the options that their own tools take in a URL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import trustme
from sqlalchemy import text

from server.apps.errors import StoreUnavailable
from server.apps.opening import open_store
from server.apps.options import StoreOptions
from server.apps.sql_engine import open_engine
from tests.server.apps.databases import postgresql
from tests.server.apps.tables import documented, execute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.server.apps.databases import Database


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def database(authority: trustme.CA) -> Iterator[Database]:
    """A PostgreSQL with a certificate for localhost, but not for 127.0.0.1."""
    certificate = authority.issue_cert("localhost")
    with postgresql() as server:
        certificate.cert_chain_pems[0].write_to_path(server.folder / "server.crt")
        certificate.private_key_pem.write_to_path(server.folder / "server.key")
        owner = server.folder.stat()
        for name in ("server.crt", "server.key"):
            os.chown(server.folder / name, owner.st_uid, owner.st_gid)
            (server.folder / name).chmod(0o600)
        server.kill()
        options = {"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
        paths = {name: value if value == "on" else str(server.folder / value) for name, value in options.items()}
        server.command = [
            *server.command,
            *[part for name, value in paths.items() for part in ("-c", f"{name}={value}")],
        ]
        server.start()
        yield server


async def is_encrypted(url: str) -> bool:
    engine = open_engine(url, timeout=10.0)
    async with engine.connect() as connection:
        row = await connection.execute(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
        encrypted = bool(row.scalar())
    await engine.dispose()
    return encrypted


async def test_sslmode_says_whether_to_encrypt(database: Database) -> None:
    assert not await is_encrypted(f"{database.url}?sslmode=disable")
    assert await is_encrypted(f"{database.url}?sslmode=require")


async def test_server_is_verified_against_the_root_that_the_url_names(
    database: Database, authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    by_name = database.url.replace("127.0.0.1", "localhost")
    assert await is_encrypted(f"{by_name}?sslmode=verify-full&sslrootcert={tmp_path}/ca.pem")
    assert await is_encrypted(f"{database.url}?sslmode=verify-ca&sslrootcert={tmp_path}/ca.pem")
    await execute(database.url, "DROP TABLE IF EXISTS apps", documented("postgresql"))
    for url in (
        f"{by_name}?sslmode=verify-full&sslrootcert={tmp_path}/other.pem",
        f"{database.url}?sslmode=verify-full&sslrootcert={tmp_path}/ca.pem",
    ):
        store = open_store(StoreOptions(url, timeout=5.0))
        with pytest.raises(StoreUnavailable, match="certificate verify failed"):
            await store.version()
        await store.close()
