"""Where a Redis is, and how to get in: the URLs of the setting ``redis``, taken apart.

=============================================== ============================================================
``redis://[user:password@]host[:port][/db]``    one server; several URLs: independent ones
``rediss://...``                                the same with TLS; ``?ca=``, ``cert=``, ``key=`` name PEM files
``unix:///path[?db=N]``                         the socket of one
``redis+sentinel://host:port,.../name[/db]``    the primary that these Sentinels name; ``rediss+sentinel`` with TLS
``redis+cluster://host:port,...``               Redis Cluster, by some of its nodes; ``rediss+cluster`` with TLS
=============================================== ============================================================
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from adapter.redis.errors import Misconfigured

if TYPE_CHECKING:
    from urllib.parse import SplitResult

PORT = 6379
SENTINEL_PORT = 26379
_OPTIONS = ("db", "ca", "cert", "key", "sentinel_password")


@dataclass(frozen=True, slots=True)
class Place:
    """One server, and the credentials for it."""

    host: str = "127.0.0.1"
    port: int = PORT
    path: str = ""
    """Of a Unix socket; empty for TCP."""
    username: str = ""
    password: str = field(default="", repr=False)
    db: int = 0
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"

    def at(self, host: str, port: int) -> Place:
        """Return another server with the same credentials."""
        return replace(self, host=host, port=port, path="")


@dataclass(frozen=True, slots=True)
class Single:
    """A server at a fixed address."""

    place: Place


@dataclass(frozen=True, slots=True)
class Sentinel:
    """A primary that others name."""

    sentinels: tuple[Place, ...]
    name: str
    place: Place
    """Credentials for the primary; not its address."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Redis Cluster, by some of its nodes."""

    seeds: tuple[Place, ...]


Target = Single | Sentinel | Cluster


def read_url(url: str) -> Target:
    """Take a URL apart.

    :raises Misconfigured: if it isn't one of those above.
    """
    try:
        return _read(urlsplit(url))
    except (ValueError, OSError) as exc:
        # The URL may hold a password: only its beginning is repeated.
        scheme, separator, _ = url.partition("://")
        raise Misconfigured(f"redis: {f'{scheme}://...' if separator else 'no scheme'}: {exc}") from None


def _read(parts: SplitResult) -> Target:
    scheme, _, kind = parts.scheme.partition("+")
    if unknown := parse_qs(parts.query, keep_blank_values=True).keys() - _OPTIONS:
        raise ValueError(f"no such option: {', '.join(sorted(unknown))}; there are {', '.join(_OPTIONS)}")
    if scheme == "unix" and not kind:
        return Single(replace(_credentials(parts), path=unquote(parts.path)))
    if scheme not in {"redis", "rediss"} or kind not in {"", "sentinel", "cluster"}:
        raise ValueError(
            "write redis://, rediss://, unix://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or "
            "rediss+cluster://"
        )
    place = _credentials(parts)
    hosts = _hosts(parts, SENTINEL_PORT if kind == "sentinel" else PORT)
    if kind == "sentinel":
        return _read_sentinel(parts, place, hosts)
    place = replace(place, db=_db(parts.path.strip("/")))
    places = tuple(place.at(host, port) for host, port in hosts)
    if kind == "cluster":
        if place.db:
            raise ValueError("Redis Cluster has no databases")
        return Cluster(places)
    if len(places) > 1:
        raise ValueError("one host only; for several servers give several URLs")
    return Single(places[0])


def _read_sentinel(parts: SplitResult, place: Place, hosts: list[tuple[str, int]]) -> Sentinel:
    name, _, db = parts.path.strip("/").partition("/")
    if not name:
        raise ValueError("the name of the primary is missing: redis+sentinel://host:port,.../name")
    # Sentinels have credentials of their own, if any; with TLS they have it too.
    query = parse_qs(parts.query)
    password = query.get("sentinel_password", [""])[0]
    sentinels = tuple(Place(host, port, password=password, tls=place.tls) for host, port in hosts)
    return Sentinel(sentinels, name, replace(place, db=_db(db)))


def _credentials(parts: SplitResult) -> Place:
    query = parse_qs(parts.query)
    return Place(
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        db=_db(query.get("db", [""])[0]),
        tls=_tls(query) if parts.scheme.startswith("rediss") else None,
    )


def _hosts(parts: SplitResult, default_port: int) -> list[tuple[str, int]]:
    hosts = []
    for text in parts.netloc.rpartition("@")[2].split(","):
        one = urlsplit(f"//{text}")
        hosts.append((one.hostname or "127.0.0.1", one.port or default_port))
    return hosts


def _db(text: str) -> int:
    if text and not text.isdigit():
        raise ValueError(f"the database {text!r} is not a number")
    return int(text or 0)


def _tls(query: dict[str, list[str]]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=query.get("ca", [None])[0])
    if "cert" in query:
        context.load_cert_chain(query["cert"][0], query.get("key", [None])[0])
    return context
