"""Which store a URL names. Each kind is imported only where it is used: not everybody has the drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.apps.errors import StoreMisconfigured

if TYPE_CHECKING:
    from server.apps.options import StoreOptions
    from server.apps.store import EditableStore

REDIS = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
SQL = ("postgresql", "postgres", "mysql", "mariadb", "sqlite")


SCHEMES = (*REDIS, *SQL)


def is_store(url: str) -> bool:
    """Tell whether this is the URL of some kind of store; not whether it can be read."""
    scheme, separator, rest = url.partition("://")
    return scheme in SCHEMES and bool(separator and rest)


def open_store(options: StoreOptions) -> EditableStore:
    """Return a store that connects when it is used.

    :raises StoreMisconfigured: if it will never be of use.
    """
    scheme = options.url.partition("://")[0]
    if scheme in REDIS:
        from server.apps.redis_store import RedisStore

        return RedisStore(options)
    if scheme in SQL:
        try:
            from server.apps.sql_store import SqlStore
        except ModuleNotFoundError as exc:
            raise StoreMisconfigured(
                f"app_store: {scheme}:// needs {exc.name}: pip install '.[sql]' in Shoal's folder"
            ) from None
        return SqlStore(options)
    raise StoreMisconfigured(f"app_store: {scheme!r} is no kind of store")
