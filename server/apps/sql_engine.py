"""A database by its URL, in the words of people: which driver it takes is nobody's business.

``postgresql://`` (or ``postgres://``), ``mysql://``, ``mariadb://`` and ``sqlite:///``; the TLS options that the
databases' own tools take in a URL are passed on in the drivers' words.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import create_async_engine

from server.apps.errors import StoreMisconfigured

if TYPE_CHECKING:
    from sqlalchemy.engine import URL
    from sqlalchemy.ext.asyncio import AsyncEngine

DRIVERS = {
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "mysql": "mysql+aiomysql",
    "mariadb": "mariadb+aiomysql",
    "sqlite": "sqlite+aiosqlite",
}
CONNECTIONS = 2
"""One to look up, one to refresh: a node asks one question of each kind at a time."""


def open_engine(url: str, *, timeout: float) -> AsyncEngine:
    """Return an engine that connects when it is used.

    :raises StoreMisconfigured: if the URL can't be read, or the driver isn't installed.
    """
    scheme = url.partition("://")[0]
    try:
        parsed = make_url(url)
        driver = DRIVERS[parsed.drivername]
        parsed, arguments = _with_tls(parsed.set(drivername=driver))
        return create_async_engine(
            parsed,
            connect_args=arguments,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=timeout,
            # A connection that the server, or something between, has ended is noticed before it is used.
            pool_pre_ping=True,
            pool_recycle=300,
            hide_parameters=True,
        )
    except ModuleNotFoundError as exc:
        raise StoreMisconfigured(
            f"app_store: {scheme}:// needs {exc.name}: pip install '.[sql]' in Shoal's folder"
        ) from None
    except (ArgumentError, NoSuchModuleError, ValueError, OSError, KeyError) as exc:
        # The URL may hold a password: only its beginning is repeated.
        raise StoreMisconfigured(f"app_store: {scheme}://...: {exc}") from None


def _with_tls(url: URL) -> tuple[URL, dict[str, Any]]:
    """Take TLS out of the query, and return what the driver wants for it."""
    query = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    if url.drivername.startswith("postgresql"):
        mode, root = query.pop("sslmode", None), query.pop("sslrootcert", None)
        return url.set(query=query), _postgresql_tls(mode, root)
    if "aiomysql" in url.drivername:
        ca, mode = query.pop("ssl_ca", None), query.pop("ssl_mode", query.pop("ssl-mode", None))
        return url.set(query=query), _mysql_tls(mode, ca)
    return url, {}


def _postgresql_tls(mode: str | None, root: str | None) -> dict[str, Any]:
    if root is not None:
        context = ssl.create_default_context(cafile=root)
        context.check_hostname = mode == "verify-full"
        return {"ssl": context}
    return {} if mode is None else {"ssl": mode}


def _mysql_tls(mode: str | None, ca: str | None) -> dict[str, Any]:
    if ca is None and (mode is None or mode.upper() in {"DISABLED", "PREFERRED"}):
        return {}
    context = ssl.create_default_context(cafile=ca)
    if ca is None and mode is not None and mode.upper() == "REQUIRED":
        # As with MySQL's own tools: encrypted, to whomever.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}
