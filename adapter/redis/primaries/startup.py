"""What must be true of a Redis before a node relies on it; each with the words for who has to mend it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from adapter.redis.errors import PASSING, Kind, LinkLost, Misconfigured, Refusal
from adapter.redis.keys import ShardKeys
from adapter.redis.shards import SHARDS

if TYPE_CHECKING:
    from adapter.redis.link.link import Link
    from adapter.redis.options import RedisOptions
    from adapter.redis.scripts import Scripts

SCHEMA = 1
"""Of keys and scripts. Another one can't run beside this."""
_BY = " by="
"""Before the name of the node that came first."""
OLDEST = (6, 2)
OLDEST_CLUSTER = (7, 0)


_BY_CODE = {
    "NOAUTH": (Kind.CREDENTIALS, "wants a password: write redis://:PASSWORD@HOST, or redis://USER:PASSWORD@HOST"),
    "WRONGPASS": (Kind.CREDENTIALS, "doesn't take this user and password: correct them in the URL, or there"),
    "NOPERM": (Kind.PERMISSIONS, "doesn't permit this user all that nodes do: docs/cluster.md has the rules"),
    "OOM": (Kind.FULL, "has reached its maxmemory and takes no writes: raise it"),
    "MISCONF": (Kind.READ_ONLY, "can't save its snapshot and takes no writes: its own log says why"),
    "NOREPLICAS": (Kind.READ_ONLY, "has fewer replicas than its min-replicas-to-write and takes no writes"),
}
_BY_TEXT = {
    # Inside of scripts permissions are refused in other words, and other ones in each version.
    "ACL failure": _BY_CODE["NOPERM"],
    "The user executing the script": _BY_CODE["NOPERM"],
    "max number of clients": (Kind.UNREACHABLE, "has as many connections as it may have: raise its maxclients"),
    "without any password": (Kind.CREDENTIALS, "has no password: write the URL without one, or give it one"),
    "cluster support disabled": (Kind.UNFIT, "is no part of a Redis Cluster: write redis://"),
}


def explain(place: object, refusal: Refusal) -> LinkLost | Misconfigured:
    """Return what a refusal means for the node: a passing state, to be waited for, or a mistake."""
    if refusal.code in PASSING:
        kind = Kind.REPLICA if refusal.code == "READONLY" else Kind.UNREACHABLE
        return LinkLost(f"{place}: {refusal}", kind)
    found = _BY_CODE.get(refusal.code) or next(
        (known for text, known in _BY_TEXT.items() if text in str(refusal)), (Kind.UNFIT, "refuses what nodes do")
    )
    is_passing = found[0] in {Kind.FULL, Kind.READ_ONLY, Kind.UNREACHABLE}
    return (LinkLost if is_passing else Misconfigured)(f"{place} {found[1]} ({refusal})", found[0])


def field(info: bytes, name: str) -> str:
    """Return a field of what INFO tells; empty if there is none."""
    found = re.search(rb"^" + name.encode() + rb":(.*?)\r?$", info, re.MULTILINE)
    return found[1].decode() if found else ""


async def check_server(link: Link, *, is_cluster: bool) -> None:
    """See that the server is new enough, keeps what it is given, and is in the right mode.

    :raises Misconfigured: if not.
    """
    judge_server(link.place, await link.ask("INFO", "server"), is_cluster=is_cluster)
    await check_memory_policy(link)


def judge_server(place: object, server: bytes, *, is_cluster: bool) -> None:
    """See that a server is new enough and in the right mode, by what it tells of itself (``INFO server``).

    :raises Misconfigured: if not.
    """
    text = field(server, "redis_version")
    version = tuple(int(part) for part in re.findall(r"\d+", text)[:2])
    oldest = OLDEST_CLUSTER if is_cluster else OLDEST
    if version < oldest:
        raise Misconfigured(f"{place} is version {text or 'unknown'}; at least {'.'.join(map(str, oldest))} is needed")
    mode = field(server, "redis_mode") or field(server, "server_mode")
    if mode == "sentinel":
        raise Misconfigured(f"{place} is a Sentinel: write redis+sentinel://{place}/NAME, with the primary's name")
    if (mode == "cluster") != is_cluster:
        wanted = "redis+cluster://" if mode == "cluster" else "redis://"
        raise Misconfigured(f"{place} runs in {mode} mode: write {wanted}")


async def check_memory_policy(link: Link) -> None:
    """See that the server forgets nothing when its memory is full.

    :raises Misconfigured: if it does.
    """
    policy = field(await link.ask("INFO", "memory"), "maxmemory_policy")
    if policy not in {"noeviction", ""}:
        raise Misconfigured(
            f"{link.place} has maxmemory-policy {policy}, by which it forgets what nodes rely on: set noeviction",
            Kind.EVICTING,
        )


async def check_role(link: Link, *, is_found: bool) -> str:
    """See that the server is a primary; return its replication id.

    :param is_found: whether the address comes from somebody who may name another one soon.
    :raises Misconfigured: if it is a replica, and will be.
    """
    info = await link.ask("INFO", "replication")
    if field(info, "role") == "master":
        return field(info, "master_replid")
    if is_found:
        raise LinkLost(f"{link.place} is a replica, and was expected to be the primary", Kind.REPLICA)
    raise Misconfigured(
        f"{link.place} is a read-only replica of {field(info, 'master_host')}:{field(info, 'master_port')}: "
        "write the address of the primary, or redis+sentinel://",
        Kind.REPLICA,
    )


async def load_scripts(link: Link, scripts: Scripts) -> None:
    """Make the server know the scripts."""
    await link.ask_all(("SCRIPT", "LOAD", source) for source in scripts.sources.values())


async def check_permissions(link: Link, scripts: Scripts, keys: ShardKeys, boot: str) -> None:
    """Try every command.

    :raises Misconfigured: if one isn't allowed.
    """
    channel = keys.probe_channel(f"try-{boot}")
    error = await link.ask(b"EVALSHA", scripts.digests["permissions"], 1, keys.scratch(boot), channel)
    if error:
        raise explain(link.place, Refusal(error.decode()))
    # Whether a channel may be left; that one may be listened to shows when the node does.
    await link.ask("SUNSUBSCRIBE" if scripts.is_sharded else "UNSUBSCRIBE", channel)


async def agree(link: Link, scripts: Scripts, options: RedisOptions, partition: str) -> None:
    """See that all nodes have the same idea of what is where.

    It is kept under the same key of every server, so that lists of the same servers in another order are noticed.

    :param partition: which part of the shards the server has; nodes that think otherwise would miss one another.
    :raises Misconfigured: if others came first, with another idea.
    """
    key = ShardKeys(options.prefix, 0).agreed
    ours = f"schema={SCHEMA} shards={SHARDS} prefix={options.prefix} partition={partition}"
    told = (await link.ask(b"EVALSHA", scripts.digests["agree"], 1, key, f"{ours}{_BY}{options.node}")).decode()
    theirs, _, whose = told.partition(_BY)
    if theirs != ours:
        raise Misconfigured(
            f"{link.place} is in use by nodes with {theirs!r} ({whose or 'an unknown node'} was the first), this node "
            f"has {ours!r}: give all nodes the same redis URLs in the same order; if none of them runs any more, "
            f"delete the key {key}"
        )
