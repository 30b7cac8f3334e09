"""The limit of open files, of which each connection is one: raised as far as a node needs and may, and said if too low.

A node out of files can't even tell a client to go elsewhere: whoever comes is left hanging. Shells and service managers
often start with 1,024 and permit a multiple of it.
"""

from __future__ import annotations

import resource

BESIDE_CLIENTS = 400
"""What a node has open besides: Redis, a store, the requests of back ends, webhooks, logs."""


def allow_open_files(max_connections: int) -> str | None:
    """Raise this process's limit to what so many clients need; return what to do about it if that is forbidden."""
    soft, hard = (_infinite(limit) for limit in resource.getrlimit(resource.RLIMIT_NOFILE))
    limit = best_limit(soft, hard, max_connections + BESIDE_CLIENTS)
    if limit > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(limit), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return complaint(limit, max_connections)


def best_limit(soft: float, hard: float, needed: int) -> float:
    """Return the limit to have: never less than there is, and no more than is needed or permitted."""
    return max(soft, min(hard, needed))


def complaint(limit: float, max_connections: int) -> str | None:
    """Say what to change if a node with this limit can't have so many connections."""
    needed = max_connections + BESIDE_CLIENTS
    if limit >= needed:
        return None
    most = max(1, int(limit) - BESIDE_CLIENTS)
    return (
        f"open files are limited to {limit:.0f}, and max_connections = {max_connections} needs {needed}: raise the "
        f"limit (ulimit -Hn, LimitNOFILE), or lower max_connections to {most}, above which clients are told to go "
        "elsewhere"
    )


def _infinite(limit: int) -> float:
    return float("inf") if limit == resource.RLIM_INFINITY else limit
