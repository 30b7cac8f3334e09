"""A client for the Redis that a URL names, in all forms that the setting ``redis`` takes."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from server.apps.errors import StoreMisconfigured

PORT = 6379
SENTINEL_PORT = 26379


def open_client(url: str, *, timeout: float) -> Redis | RedisCluster:
    """Return a client that connects when it is used.

    :raises StoreMisconfigured: if the URL can't be read.
    """
    try:
        return _open(urlsplit(url), timeout)
    except ValueError as exc:
        # It may hold a password: only its beginning is repeated.
        raise StoreMisconfigured(f"app_store: {url.partition('://')[0]}://...: {exc}") from None


def _open(parts: SplitResult, timeout: float) -> Redis | RedisCluster:
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    kind = parts.scheme.partition("+")[2]
    options = _options(parts, query, timeout)
    if parts.scheme == "unix":
        return Redis(unix_socket_path=unquote(parts.path), db=_number(query.get("db", "")), **options)
    hosts = _hosts(parts, SENTINEL_PORT if kind == "sentinel" else PORT)
    if kind == "cluster":
        return RedisCluster(startup_nodes=[ClusterNode(host, port) for host, port in hosts], **options)
    if kind == "sentinel":
        return _open_sentinel(parts, query, hosts, options)
    ((host, port),) = hosts
    return Redis(host=host, port=port, db=_number(parts.path.strip("/") or query.get("db", "")), **options)


def _open_sentinel(
    parts: SplitResult, query: dict[str, str], hosts: list[tuple[str, int]], options: dict[str, Any]
) -> Redis:
    name, _, db = parts.path.strip("/").partition("/")
    if not name:
        raise ValueError("the name of the primary is missing: redis+sentinel://host:port,.../name")
    # Sentinels have credentials of their own, if any.
    own = options | {"username": None, "password": query.get("sentinel_password")}
    sentinel: Any = Sentinel(hosts, sentinel_kwargs=own)  # type: ignore[no-untyped-call]
    client: Redis = sentinel.master_for(name, db=_number(db), **options)
    return client


def _options(parts: SplitResult, query: dict[str, str], timeout: float) -> dict[str, Any]:
    options: dict[str, Any] = {
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "decode_responses": True,
        # Bytes that are no text make one application unusable, not the answer unreadable.
        "encoding_errors": "surrogateescape",
        # What failed is asked again by the next look, not at once by everybody.
        "retry": Retry(NoBackoff(), 0),
    }
    if parts.scheme.startswith("rediss"):
        options |= {
            "ssl": True,
            "ssl_ca_certs": query.get("ca"),
            "ssl_certfile": query.get("cert"),
            "ssl_keyfile": query.get("key"),
        }
    return options


def _hosts(parts: SplitResult, default_port: int) -> list[tuple[str, int]]:
    ones = [urlsplit(f"//{text}") for text in parts.netloc.rpartition("@")[2].split(",")]
    return [(one.hostname or "127.0.0.1", one.port or default_port) for one in ones]


def _number(text: str) -> int:
    if text and not text.isdigit():
        raise ValueError(f"the database {text!r} is not a number")
    return int(text or 0)
