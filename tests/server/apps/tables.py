"""Tables of applications in the databases of tests: those that docs/applications.md shows, and Soketi's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from server.apps.sql_engine import open_engine

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = Path(__file__).parents[3] / "docs" / "applications.md"

SOKETI = {
    # As Soketi's documentation has them; the tests' rows set what they are about.
    "mysql": """CREATE TABLE apps (
        `id` varchar(255) NOT NULL, `key` varchar(255) NOT NULL, `secret` varchar(255) NOT NULL,
        `max_connections` int NOT NULL DEFAULT -1, `enable_client_messages` tinyint(1) NOT NULL DEFAULT 0,
        `enabled` tinyint(1) NOT NULL DEFAULT 1, `max_backend_events_per_sec` int NOT NULL DEFAULT -1,
        `max_client_events_per_sec` int NOT NULL DEFAULT -1, `max_read_req_per_sec` int NOT NULL DEFAULT -1,
        `webhooks` json, `max_presence_members_per_channel` int NULL, `max_presence_member_size_in_kb` int NULL,
        `max_channel_name_length` int NULL, `max_event_channels_at_once` int NULL, `max_event_name_length` int NULL,
        `max_event_payload_in_kb` int NULL, `max_event_batch_size` int NULL,
        `enable_user_authentication` tinyint(1) NOT NULL DEFAULT 0, PRIMARY KEY (`id`))""",
    "postgresql": """CREATE TABLE apps (
        id varchar(255) PRIMARY KEY, "key" varchar(255) NOT NULL, secret varchar(255) NOT NULL,
        max_connections integer NOT NULL DEFAULT -1, enable_client_messages smallint NOT NULL DEFAULT 0,
        enabled smallint NOT NULL DEFAULT 1, max_backend_events_per_sec integer NOT NULL DEFAULT -1,
        max_client_events_per_sec integer NOT NULL DEFAULT -1, max_read_req_per_sec integer NOT NULL DEFAULT -1,
        webhooks json, max_presence_members_per_channel smallint NULL, max_presence_member_size_in_kb smallint NULL,
        max_channel_name_length smallint NULL, max_event_channels_at_once smallint NULL,
        max_event_name_length smallint NULL, max_event_payload_in_kb smallint NULL, max_event_batch_size smallint NULL,
        enable_user_authentication smallint NOT NULL DEFAULT 0)""",
}


def documented(kind: str) -> str:
    """Return the statement of the documentation for a kind of database; SQLite takes PostgreSQL's."""
    heading = "MySQL and MariaDB" if kind == "mysql" else "PostgreSQL"
    match = re.search(rf"^{heading}:\n\n```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert match is not None, heading
    return match[1]


async def execute(url: str, *statements: str, **parameters: Any) -> None:
    """Carry out statements, each with the same parameters."""
    engine = open_engine(url, timeout=10.0)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement), parameters)
    await engine.dispose()


async def insert(url: str, row: Mapping[str, Any]) -> None:
    """Add one row to the table `apps`."""
    quote = "`" if url.startswith("mysql") else '"'
    columns = ", ".join(f"{quote}{name}{quote}" for name in row)
    values = ", ".join(f":{name}" for name in row)
    await execute(url, f"INSERT INTO apps ({columns}) VALUES ({values})", **row)
