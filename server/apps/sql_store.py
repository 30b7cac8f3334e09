"""Applications in a table of a database: PostgreSQL, MySQL, MariaDB, or SQLite for trying. Soketi's table will do.

It is only ever read, but for what ``shoal apps`` is told to change. Which columns there are is looked at now and then,
so one that is added counts within half a minute.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import BigInteger, Column, MetaData, Table, literal, select, update
from sqlalchemy.exc import NoSuchTableError

from server.apps.errors import BadRow, StoreError, StoreUnavailable
from server.apps.sql_columns import REQUIRED, app_of_row, known_columns
from server.apps.sql_engine import open_engine
from server.apps.store import Stored, Unusable

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection, RowMapping, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from server.apps.app import App
    from server.apps.options import StoreOptions

T = TypeVar("T")

COLUMNS_LIFETIME = 30.0
"""Seconds after which the columns are looked at again."""


class SqlStore:
    """Fulfils :class:`server.apps.store.EditableStore`."""

    def __init__(self, options: StoreOptions) -> None:
        self._timeout = options.timeout
        self._schema, _, self._name = options.table.rpartition(".")
        self._engine = open_engine(options.url, timeout=options.timeout)
        # None until it was looked at.
        self._table: Table | None = None
        self._looked_at = 0.0
        # What is being asked, or given up.
        self._questions: set[Task[Any]] = set()

    async def find(self, keys: Collection[str]) -> Stored:
        return await self._rows("key", keys)

    async def fetch(self, ids: Collection[str]) -> Stored:
        return await self._rows("id", ids)

    async def version(self) -> None:
        """See that there is an answer, and the table: a node that starts says what is wrong with it."""
        await self._ask(self._look_at)

    async def close(self) -> None:
        await asyncio.gather(*self._questions, return_exceptions=True)
        # To a server that hangs nobody says goodbye for long.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._engine.dispose()

    async def _rows(self, column: str, values: Collection[str]) -> Stored:
        if not values:
            return Stored()

        async def select_them(connection: AsyncConnection) -> Sequence[RowMapping]:
            table = await self._look_at(connection)
            query = _selection(table).where(table.c[column].in_(_of_type(table.c[column], values)))
            rows: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
            return rows

        # Not by the database alone: to MySQL "A" and "a" are the same.
        return _stored([row for row in await self._ask(select_them) if str(row[column]) in values])

    # Changing

    async def list(self) -> Stored:
        async def select_all(connection: AsyncConnection) -> Sequence[RowMapping]:
            table = await self._look_at(connection)
            query = _selection(table).order_by(table.c.id)
            rows: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
            return rows

        return _stored(await self._ask(select_all))

    async def add(self, app: App) -> None:
        raise StoreError("a row is added by SQL: what the other columns are to be, only you know")

    async def remove(self, id: str) -> None:  # noqa: A002 - the field's word
        raise StoreError("a row is deleted by SQL: others may refer to it")

    async def set_enabled(self, id: str, *, enabled: bool) -> None:  # noqa: A002
        await self._change(id, {"enabled": enabled})

    async def set_secrets(self, id: str, secret: str, second: str | None) -> None:  # noqa: A002
        await self._change(id, {"secret": secret, "second_secret": second})

    async def _change(self, app_id: str, changes: Mapping[str, Any]) -> None:
        async def change(connection: AsyncConnection) -> None:
            table = await self._look_at(connection)
            self._check_has(table, changes)
            values = {name: _suitable(table.c[name], value) for name, value in changes.items()}
            ids = _of_type(table.c.id, [app_id])
            result = await connection.execute(update(table).where(table.c.id.in_(ids)).values(values))
            if not result.rowcount:
                raise StoreError(f"there is no application {app_id!r}")
            await connection.commit()

        await self._ask(change)

    def _check_has(self, table: Table, columns: Iterable[str]) -> None:
        for name in columns:
            if name not in table.c:
                raise StoreError(f"the table has no column {name}: ALTER TABLE {self._full_name} ADD {_ADDED[name]}")

    # The table

    async def _look_at(self, connection: AsyncConnection) -> Table:
        if self._table is None or time.monotonic() - self._looked_at > COLUMNS_LIFETIME:
            self._table = await connection.run_sync(self._reflect)
            self._looked_at = time.monotonic()
        return self._table

    def _reflect(self, connection: Connection) -> Table:
        try:
            table = Table(
                self._name, MetaData(), schema=self._schema or None, autoload_with=connection, resolve_fks=False
            )
        except NoSuchTableError:
            raise StoreUnavailable(
                f"there is no table {self._full_name}: make it, or correct app_store_table"
            ) from None
        missing = [name for name in REQUIRED if name not in table.c]
        if missing:
            raise StoreUnavailable(f"the table {self._full_name} has no column {', '.join(missing)}")
        return table

    @property
    def _full_name(self) -> str:
        return f"{self._schema}.{self._name}" if self._schema else self._name

    async def _ask(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do some work with a connection of its own, in time.

        It is a task, so that nobody waits for what follows when it isn't: to give up a connection on which nobody
        answers takes a driver seconds.
        """
        task = asyncio.create_task(self._with_connection(work))
        self._questions.add(task)
        task.add_done_callback(self._is_over)
        try:
            await asyncio.wait((task,), timeout=self._timeout)
            if not task.done():
                raise StoreUnavailable(f"database: no answer within {self._timeout:g} s")
            return task.result()
        finally:
            task.cancel()

    def _is_over(self, task: Task[Any]) -> None:
        self._questions.discard(task)
        if not task.cancelled():
            # Whoever asked may not have waited for it.
            task.exception()

    async def _with_connection(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        try:
            async with self._engine.connect() as connection:
                return await work(connection)
        except StoreError:
            raise
        # Drivers raise what they like, not all of it translated by SQLAlchemy: this is where it becomes ours.
        except Exception as exc:
            # A column or the table may have gone.
            self._table = None
            raise StoreUnavailable(f"database: {_first_line(exc)}") from exc


_ADDED = {"second_secret": "second_secret VARCHAR(255)", "enabled": "enabled SMALLINT NOT NULL DEFAULT 1"}


_INTEGER = re.compile(r"[0-9]{1,18}")


def _selection(table: Table) -> Select[Any]:
    return select(*[table.c[name] for name in known_columns(table.c.keys())])


def _stored(rows: Collection[RowMapping]) -> Stored:
    apps, unusable = [], []
    times = {name: Counter(row[name] for row in rows if row[name] is not None) for name in ("id", "key")}
    for row in rows:
        try:
            _check_unique(row, times)
            apps.append(app_of_row({str(name): value for name, value in row.items()}))
        except BadRow as why:
            unusable.append(Unusable(str(row["id"]), str(row["key"]), why))
    return Stored(apps, unusable)


def _check_unique(row: RowMapping, times: Mapping[str, Counter[Any]]) -> None:
    """:raises BadRow: if another row has its id or key: which of them is meant nobody knows."""
    for name, counts in times.items():
        if counts[row[name]] > 1:
            raise BadRow(name, f"{counts[row[name]]} rows have this one")


def _of_type(column: Column[Any], values: Collection[str]) -> list[Any]:
    """Return the values as the column has them: ids may be integers there, and what is no such number is in no row."""
    if not _is_integer(column):
        return list(values)
    # As large ones whatever the column's size: PostgreSQL refuses the question for one that is too large for its type.
    return [literal(int(value), BigInteger()) for value in values if _INTEGER.fullmatch(value)]


def _suitable(column: Column[Any], value: Any) -> Any:
    return int(value) if isinstance(value, bool) and _is_integer(column) else value


def _is_integer(column: Column[Any]) -> bool:
    try:
        return column.type.python_type is int
    except NotImplementedError:
        return False


def _first_line(exc: Exception) -> str:
    lines = str(exc).splitlines()
    return f"{type(exc).__name__}: {lines[0]}" if lines else type(exc).__name__
