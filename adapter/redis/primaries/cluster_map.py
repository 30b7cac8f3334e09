"""Which master of a Redis Cluster has which shard, by what its nodes say."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from adapter.redis.errors import LinkLost, Refusal, code_of
from adapter.redis.link.link import open_link
from adapter.redis.primaries.startup import explain
from adapter.redis.shards import SHARDS, slot_of_shard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapter.redis.link.place import Place
    from adapter.redis.options import RedisOptions


class ClusterMap:
    """Asks nodes of the cluster, those that were named last before those of the configuration."""

    def __init__(self, seeds: Iterable[Place], options: RedisOptions) -> None:
        self._seeds = list(seeds)
        self._known: list[Place] = []
        self._options = options

    async def read(self, reasons: Iterable[str] = ()) -> dict[int, Place]:
        """Return the masters of the shards, by number; those of slots that nobody has are missing.

        :param reasons: why it is read again; a ``MOVED slot host:port`` says whom to ask.
        :raises LinkLost: if no node answers just now.
        :raises Misconfigured: if one refuses us.
        """
        why: Exception | None = None
        for place in self._in_turn(reasons):
            try:
                owners = read_slots(place, await self._ask(place))
            except LinkLost as exc:
                why = exc
                continue
            self._known = list(dict.fromkeys(owners.values()))
            return owners
        raise LinkLost(f"no node of the cluster answers: {why}")

    def _in_turn(self, reasons: Iterable[str]) -> list[Place]:
        """Return whom to ask: in another order each time, since one that is cut off tells old news."""
        named = [self._seeds[0].at(*address) for why in reasons if (address := moved_to(why))]
        known = random.sample(self._known, len(self._known))
        return list(dict.fromkeys([*named, *known, *self._seeds]))

    async def _ask(self, place: Place) -> Any:
        options = self._options
        try:
            link = await open_link(
                place, connect_timeout=options.connect_timeout, answer_timeout=options.answer_timeout
            )
            try:
                return await link.ask("CLUSTER", "SLOTS")
            finally:
                link.wire.close()
        except Refusal as exc:
            raise explain(place, exc) from exc


def read_slots(asked: Place, ranges: list[Any]) -> dict[int, Place]:
    """Return the masters of the shards.

    :param asked: who told; a node that doesn't know its own host leaves that out.
    :param ranges: what ``CLUSTER SLOTS`` tells: first slot, last slot, master, replicas.
    """
    owners: dict[int, Place] = {}
    for shard in range(SHARDS):
        slot = slot_of_shard(shard)
        for first, last, (host, port, *_), *_ in ranges:
            if first <= slot <= last:
                owners[shard] = asked.at(host.decode() if host else asked.host, int(port))
    return owners


def moved_to(why: str) -> tuple[str, int] | None:
    """Return the address that a refusal names, if it does."""
    if code_of(why) not in {"MOVED", "ASK"}:
        return None
    host, _, port = why.split(" ")[2].rpartition(":")
    return (host, int(port)) if host and port.isdigit() else None
