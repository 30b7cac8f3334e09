"""A table as Soketi left it: every column has its meaning here, and a bad row harms nobody else."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from server.apps.errors import BadRow
from server.apps.opening import open_store
from server.apps.options import StoreOptions
from server.apps.sql_columns import NO_LIMIT, app_of_row
from tests.server.apps.build import an_app
from tests.server.apps.tables import SOKETI, execute, insert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from server.apps.store import EditableStore

ROW = {"id": "1", "key": "key-1", "secret": "secret-1"}


@pytest.fixture(params=["postgresql", "mysql"])
async def table(request: pytest.FixtureRequest) -> str:
    """An empty table of Soketi's in a running server; its URL."""
    names = {"postgresql": "postgresql_server", "mysql": "mariadb_server"}
    url: str = request.getfixturevalue(names[request.param]).url
    await execute(url, "DROP TABLE IF EXISTS apps", SOKETI[request.param])
    return url


@pytest.fixture
async def store(table: str) -> AsyncIterator[EditableStore]:
    store = open_store(StoreOptions(table, timeout=5.0))
    yield store
    await store.close()


async def test_row_with_nothing_set_is_an_application_with_the_defaults(table: str, store: EditableStore) -> None:
    await insert(table, ROW)
    (app,) = (await store.find(["key-1"])).apps
    assert app == an_app(max_client_events_per_second=NO_LIMIT)


async def test_every_column_is_in_force(table: str, store: EditableStore) -> None:
    limits = {
        "max_connections": 7,
        "enable_client_messages": 1,
        "max_client_events_per_sec": 5,
        "max_presence_members_per_channel": 12,
        "max_presence_member_size_in_kb": 2,
        "max_channel_name_length": 100,
        "max_event_channels_at_once": 9,
        "max_event_name_length": 50,
        "max_event_payload_in_kb": 20,
        "max_event_batch_size": 3,
        "enable_user_authentication": 1,
    }
    await insert(table, ROW | limits)
    (app,) = (await store.fetch(["1"])).apps
    assert app == an_app(
        max_connections=7,
        client_events=True,
        max_client_events_per_second=5,
        max_presence_members=12,
        max_presence_member_bytes=2_048,
        max_channel_name_length=100,
        max_event_channels=9,
        max_event_name_length=50,
        max_event_bytes=20_480,
        max_batch_events=3,
        authorization_timeout=30.0,
    )


async def test_webhooks_are_those_of_soketi(table: str, store: EditableStore) -> None:
    webhooks = [
        {
            "url": "https://a.test/hook",
            "event_types": ["channel_occupied", "cache_miss"],
            "filter": {"channel_name_starts_with": "private-", "channel_name_ends_with": "-x"},
            "headers": {"X-Token": "t"},
        },
        {"url": "https://b.test", "event_types": ["client_event"]},
    ]
    await insert(table, ROW | {"webhooks": json.dumps(webhooks), "max_backend_events_per_sec": 50})
    (app,) = (await store.fetch(["1"])).apps
    first, second = app.webhooks
    assert (first.url, first.event_types) == ("https://a.test/hook", ("channel_occupied", "cache_miss"))
    assert (first.channel_name_starts_with, first.channel_name_ends_with) == ("private-", "-x")
    assert first.headers == {"X-Token": "t"}
    assert second.event_types == ("client_event",)
    assert (app.max_backend_events_per_second, app.max_reads_per_second) == (50, None)


async def test_webhook_that_cannot_be_served_is_refused_with_its_column(table: str, store: EditableStore) -> None:
    await insert(table, ROW | {"webhooks": '[{"lambda_function": "f", "event_types": ["client_event"]}]'})
    (item,) = (await store.fetch(["1"])).unusable
    assert (item.why.column, str(item.why)) == ("webhooks", "webhooks: 0.url: Field required")


async def test_disabled_application_is_disabled(table: str, store: EditableStore) -> None:
    await insert(table, ROW | {"enabled": 0})
    (app,) = (await store.fetch(["1"])).apps
    assert not app.enabled


async def test_bad_row_is_refused_alone_and_its_column_named(table: str, store: EditableStore) -> None:
    await insert(table, ROW | {"max_event_batch_size": -7})
    await insert(table, {"id": "2", "key": "key-2", "secret": "secret-2", "max_client_events_per_sec": 10})
    stored = await store.find(["key-1", "key-2"])
    assert stored.apps == [an_app("2")]
    assert [(item.id, item.key, item.why.column) for item in stored.unusable] == [
        ("1", "key-1", "max_event_batch_size")
    ]


async def test_rotation_says_which_column_it_needs_and_uses_it_once_it_is_there(
    table: str, store: EditableStore
) -> None:
    await insert(table, ROW)
    with pytest.raises(Exception, match="ALTER TABLE apps ADD second_secret") as caught:
        await store.set_secrets("1", "new", "secret-1")
    await execute(table, str(caught.value).partition(": ")[2])
    other = open_store(StoreOptions(table, timeout=5.0))
    await other.set_secrets("1", "new", "secret-1")
    (app,) = (await other.fetch(["1"])).apps
    assert app.secrets == (b"new", b"secret-1")
    await other.close()


async def test_table_in_a_schema_with_integer_ids_and_few_columns(postgresql_server: Any) -> None:
    url = postgresql_server.url
    await execute(url, "CREATE SCHEMA IF NOT EXISTS old", "DROP TABLE IF EXISTS old.clients")
    await execute(url, "CREATE TABLE old.clients (id bigint PRIMARY KEY, key text, secret text, created_at date)")
    await execute(url, "INSERT INTO old.clients VALUES (1, 'key-1', 'secret-1', now())")
    store = open_store(StoreOptions(url, table="old.clients", timeout=5.0))
    assert (await store.find(["key-1"])).apps == [an_app()]
    assert (await store.fetch(["1", "x"])).apps == [an_app()]
    await store.close()


# Without a server


@pytest.mark.parametrize(
    ("column", "value", "setting", "expected"),
    [
        ("max_connections", -1, "max_connections", None),
        ("max_connections", 0, "max_connections", 0),
        ("max_client_events_per_sec", 0, "max_client_events_per_second", 0),
        ("max_presence_members_per_channel", -1, "max_presence_members", NO_LIMIT),
        ("max_event_payload_in_kb", -1, "max_event_bytes", NO_LIMIT),
        ("max_event_payload_in_kb", None, "max_event_bytes", 10_240),
        ("enabled", False, "enabled", False),
        ("enabled", b"\x00", "enabled", False),
        ("enabled", "0", "enabled", False),
        ("enable_client_messages", "1", "client_events", True),
        ("enable_client_messages", b"\x01", "client_events", True),
        ("enable_user_authentication", b"\x00", "authorization_timeout", None),
        ("enable_user_authentication", "0", "authorization_timeout", None),
        ("watchlists", b"\x01", "watchlists", True),
        ("max_connections", "-1", "max_connections", None),
        ("max_event_payload_in_kb", "20", "max_event_bytes", 20_480),
        ("max_event_payload_in_kb", Decimal("0.5"), "max_event_bytes", 512),
        ("allowed_origins", '["https://a.test"]', "allowed_origins", ("https://a.test",)),
        ("allowed_origins", "", "allowed_origins", ()),
        ("watchlists", 1, "watchlists", True),
        ("webhooks", None, "webhooks", ()),
        ("webhooks", "null", "webhooks", ()),
        ("webhooks", "[]", "webhooks", ()),
        ("webhooks", "", "webhooks", ()),
        ("max_read_req_per_sec", 9, "max_reads_per_second", 9),
        ("max_read_req_per_sec", -1, "max_reads_per_second", None),
        ("updated_by", "somebody", "enabled", True),
    ],
)
def test_value_of_a_column(column: str, value: Any, setting: str, expected: Any) -> None:
    assert getattr(app_of_row(ROW | {column: value}), setting) == expected


@pytest.mark.parametrize("column", ["max_connections", "max_event_payload_in_kb", "enable_user_authentication"])
def test_a_text_that_is_no_number_is_a_mistake_in_its_column(column: str) -> None:
    with pytest.raises(BadRow) as caught:
        app_of_row(ROW | {column: "many"})
    assert caught.value.column == column
