"""What must be true of a Redis before a node relies on it; each with the words for who has to mend it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from adapter.redis.errors import FORBIDDEN, PASSING, LinkLost, Misconfigured, Refusal
from adapter.redis.shards import SHARDS

if TYPE_CHECKING:
    from adapter.redis.keys import ShardKeys
    from adapter.redis.link import Link
    from adapter.redis.options import RedisOptions
    from adapter.redis.scripts import Scripts

SCHEMA = 1
"""Of keys and scripts. Another one can't run beside this."""
OLDEST = (6, 2)
OLDEST_CLUSTER = (7, 0)


def explain(place: object, refusal: Refusal) -> Exception:
    """Return what a refusal means for the node: a passing state, or a mistake."""
    if refusal.code in PASSING:
        return LinkLost(f"{place}: {refusal}")
    if refusal.code in FORBIDDEN or "ACL" in str(refusal) or "can't run this command" in str(refusal):
        return Misconfigured(f"{place} refuses this user: {refusal}")
    return Misconfigured(f"{place}: {refusal}")


def field(info: bytes, name: str) -> str:
    """Return a field of what INFO tells; empty if there is none."""
    found = re.search(rb"^" + name.encode() + rb":(.*?)\r?$", info, re.MULTILINE)
    return found[1].decode() if found else ""


async def check_server(link: Link, *, is_cluster: bool) -> None:
    """See that the server is new enough, keeps what it is given, and is in the right mode.

    :raises Misconfigured: if not.
    """
    server = await link.ask("INFO", "server")
    text = field(server, "redis_version")
    version = tuple(int(part) for part in re.findall(r"\d+", text)[:2])
    oldest = OLDEST_CLUSTER if is_cluster else OLDEST
    if version < oldest:
        raise Misconfigured(f"{link.place} is version {text}; at least {'.'.join(map(str, oldest))} is needed")
    mode = field(server, "redis_mode") or field(server, "server_mode")
    if (mode == "cluster") != is_cluster:
        wanted = "redis+cluster://" if mode == "cluster" else "redis://"
        raise Misconfigured(f"{link.place} runs in {mode} mode: write {wanted}")
    policy = field(await link.ask("INFO", "memory"), "maxmemory_policy")
    if policy not in {"noeviction", ""}:
        raise Misconfigured(
            f"{link.place} has maxmemory-policy {policy}, by which it forgets what nodes rely on: set noeviction"
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
        raise LinkLost(f"{link.place} is a replica, and was expected to be the primary")
    raise Misconfigured(
        f"{link.place} is a read-only replica of {field(info, 'master_host')}:{field(info, 'master_port')}: "
        "write the address of the primary, or redis+sentinel://"
    )


async def load_scripts(link: Link, scripts: Scripts) -> None:
    """Make the server know the scripts."""
    await link.ask_all(("SCRIPT", "LOAD", source) for source in scripts.sources.values())


async def check_permissions(link: Link, scripts: Scripts, keys: ShardKeys, boot: str) -> None:
    """Try every command.

    :raises Misconfigured: if one isn't allowed.
    """
    error = await link.ask(
        b"EVALSHA", scripts.digests["permissions"], 1, keys.scratch(boot), keys.probe_channel(f"try-{boot}")
    )
    if error:
        raise explain(link.place, Refusal(error.decode()))


async def agree(link: Link, scripts: Scripts, keys: ShardKeys, options: RedisOptions, partitions: str) -> None:
    """See that all nodes have the same idea of what is where.

    :param partitions: what the shards are spread over, in order; nodes with other lists would miss one another.
    :raises Misconfigured: if others came first, with another idea.
    """
    ours = f"schema={SCHEMA} shards={SHARDS} prefix={options.prefix} partitions={partitions}"
    theirs = (await link.ask(b"EVALSHA", scripts.digests["agree"], 1, keys.agreed, ours)).decode()
    if theirs != ours:
        raise Misconfigured(f"{link.place} is in use by nodes with {theirs!r}, this node has {ours!r}: {keys.agreed}")
