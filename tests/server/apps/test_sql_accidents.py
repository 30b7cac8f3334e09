"""What a table without constraints may hold: it harms the rows that it is about, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from server.apps.errors import StoreError
from server.apps.opening import open_store
from server.apps.options import StoreOptions
from server.apps.sql_columns import app_of_row
from tests.server.apps.build import an_app
from tests.server.apps.tables import execute, insert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from server.apps.store import EditableStore


@pytest.fixture(params=["postgresql_server", "mariadb_server"])
async def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param).url)


@pytest.fixture
async def store(url: str) -> AsyncIterator[EditableStore]:
    store = open_store(StoreOptions(url, timeout=5.0))
    yield store
    await store.close()


async def make_table(url: str, kind: str) -> None:
    quote = "`" if url.startswith("mysql") else '"'
    columns = f"id {kind}, {quote}key{quote} {kind}, secret varchar(20), enabled smallint"
    await execute(url, "DROP TABLE IF EXISTS apps", f"CREATE TABLE apps ({columns})")


async def test_numbers_that_no_column_could_hold_spoil_no_question(url: str, store: EditableStore) -> None:
    await make_table(url, "integer")
    await insert(url, {"id": 1, "key": 11, "secret": "s"})
    asked = ["11", "011", "²", "3000000000", "9" * 18, "9" * 255]
    assert [app.id for app in (await store.find(asked)).apps] == ["1"]
    assert [app.id for app in (await store.fetch(["1", "²", "9" * 255])).apps] == ["1"]
    for app_id in ("²", "9" * 30):
        with pytest.raises(StoreError, match="there is no application"):
            await store.set_enabled(app_id, enabled=True)


@pytest.mark.parametrize("column", ["id", "key"])
async def test_rows_that_share_what_must_be_unique_are_refused_and_named(
    url: str, store: EditableStore, column: str
) -> None:
    await make_table(url, "varchar(255)")
    for number in "23":
        await insert(url, {"id": number, "key": f"key-{number}", "secret": f"secret-{number}"} | {column: "same"})
    await insert(url, {"id": "1", "key": "key-1", "secret": "secret-1"})
    stored = await (store.fetch(["same", "1"]) if column == "id" else store.find(["same", "key-1"]))
    assert stored.apps == [an_app()]
    assert [str(item.why) for item in stored.unusable] == [f"{column}: 2 rows have this one"] * 2


def test_an_id_may_be_a_uuid() -> None:
    number = UUID("6f0c7a1e-9b1c-4b7e-9a53-0d8b5a1c2d3e")
    assert app_of_row({"id": number, "key": "k", "secret": "s"}).id == str(number)
