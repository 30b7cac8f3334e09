"""The work over two connections to one primary, from when they stand until one of them breaks.

Commands and messages have a connection each, and the two share their fate: they are to the same server, and what one
of them says is judged by the other (:mod:`adapter.redis.primaries.probe`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from adapter.redis.errors import MOVING, LinkLost, Refusal
from adapter.redis.link.subscription import Subscription
from adapter.redis.primaries.probe import Probe, survey
from adapter.redis.primaries.repair import Enrolment, Fenced, repair, settle
from adapter.redis.primaries.startup import check_role, load_scripts
from adapter.redis.shard.shard import State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapter.redis.link.link import Link
    from adapter.redis.link.wire import Wire
    from adapter.redis.nodes.identity import Identity
    from adapter.redis.primaries.checkup import Checkup
    from adapter.redis.primaries.holdings import Holdings
    from adapter.redis.primaries.listening import Listening
    from adapter.redis.scripts import Scripts
    from adapter.redis.shard.shard import Shard

logger = logging.getLogger(__name__)

PROBE_INTERVAL = 1.0
SUBSCRIBE_TIMEOUT = 10.0
"""Seconds for all topics of a node to be subscribed again."""


class Session:
    """One turn of having connections.

    :param link: for commands.
    :param wire: for messages.
    :param is_found: whether the server's address comes from somebody who may name another one soon.
    :param on_up: called when all is repaired and the first probe is back.
    :param on_probed: called with the seconds that a probe took.
    :param on_due: given the claims whose hold is due.
    :param on_displaced: told that a shard isn't here, and why; None if that can't be.
    """

    def __init__(
        self,
        link: Link,
        wire: Wire,
        *,
        holdings: Holdings,
        listening: Listening,
        scripts: Scripts,
        identity: Identity,
        checkup: Checkup,
        is_found: bool,
        answer_timeout: float,
        on_up: Callable[[], None],
        on_probed: Callable[[float], None],
        on_due: Callable[[Shard, list[bytes]], None],
        on_displaced: Callable[[Shard, str], None] | None,
    ) -> None:
        self.link = link
        self._holdings = holdings
        self._listening = listening
        self._scripts = scripts
        self._identity = identity
        self._checkup = checkup
        self._is_found = is_found
        self._answer_timeout = answer_timeout
        self._on_up = on_up
        self._on_probed = on_probed
        self._on_due = on_due
        self._on_displaced = on_displaced
        self._is_cluster = on_displaced is not None
        self.subscription = Subscription(
            wire,
            sharded=self._is_cluster,
            on_message=self._received,
            on_confirmed=listening.confirmed,
            on_refused=self._refused if self._is_cluster else None,
        )
        # None when there is no shard to have it in.
        self._probe: Probe | None = None

    async def run(self) -> None:
        """Work until something breaks, which it raises."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_wires())
            tasks.create_task(self._work())

    def close(self) -> None:
        self.link.wire.close()
        self.subscription.wire.close()

    async def _watch_wires(self) -> None:
        wires = self.link.wire, self.subscription.wire
        await asyncio.wait([wire.lost for wire in wires], return_when=asyncio.FIRST_COMPLETED)
        if self.subscription.refusal is not None:
            raise self.subscription.refusal
        raise LinkLost(self.subscription.failure or f"{self.link.place} closed a connection")

    async def _work(self) -> None:
        self._set_up_probe()
        self.subscription.add(self._listening)
        self._holdings.want_all_repaired("the link is new")
        await self._repair_broken()
        await self._send_probe()
        self._on_up()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_probing())
            tasks.create_task(self._keep_repairing())

    # Messages

    def _received(self, channel: bytes, data: bytes) -> None:
        is_known = self._listening.received(channel, data)
        if not is_known and self._probe is not None and channel == self._probe.channel:
            self._probe.received(data)

    def _refused(self, channel: bytes, why: str) -> None:
        """Take note that a channel isn't listened to here."""
        shard = self._listening.shard_of(channel)
        if shard is None and self._probe is not None and channel == self._probe.channel:
            shard = self._probe.shard
        if shard is not None:
            self._displace(shard, why)

    # Shards that come and go

    def adopted(self, shard: Shard) -> None:
        """Listen to all that is watched of a shard; its repair waits for that."""
        self.subscription.add(watch.channel for watch in shard.watches.values())
        if self._probe is None or self._probe.shard is shard:
            self._set_up_probe()

    def released(self, shard: Shard) -> None:
        """Have the probe elsewhere, if it was there."""
        if self._probe is not None and self._probe.shard is shard:
            self.subscription.remove(self._probe.channel)
            self._set_up_probe()

    def _set_up_probe(self) -> None:
        if self._probe is not None:
            self._probe.give_up()
        first = self._holdings.first
        self._probe = None
        if first is not None:
            self._probe = Probe(first, self._identity.name_of_probe, sharded=self._is_cluster)
            self.subscription.add([self._probe.channel])

    def _displace(self, shard: Shard, why: str) -> None:
        assert self._on_displaced is not None, "only on Redis Cluster"
        self._on_displaced(shard, why)

    def _displace_or_raise(self, shard: Shard, refusal: Refusal) -> None:
        """Have a shard looked for that is said to be elsewhere."""
        if not self._is_cluster or refusal.code not in MOVING:
            raise refusal
        self._displace(shard, str(refusal))

    # Repair

    async def _keep_repairing(self) -> None:
        while True:
            await self._holdings.wait_broken()
            await self._repair_broken()

    async def _repair_broken(self) -> None:
        """Repair all shards that need it; a refusal among the reasons shows that the link needs it too."""
        broken = self._holdings.take_broken()
        for shard, why in broken.items():
            logger.debug("shard %d is repaired: %s", shard.number, why)
        if any(why.startswith("NOSCRIPT") for why in broken.values()):
            await load_scripts(self.link, self._scripts)
        await self._wait_answered()
        replid = await check_role(self.link, is_found=self._is_found)
        enrolment = self._enrolment()
        async with asyncio.TaskGroup() as tasks:
            for shard in broken:
                if self._holdings.may_repair(shard):
                    shard.attach(self.link, self._scripts, replid)
                    self._holdings.begin_repair(shard, self._repair(shard, enrolment), tasks)
        self._holdings.end_repairs()

    async def _wait_answered(self) -> None:
        try:
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT):
                await self.subscription.wait_answered()
        except TimeoutError:
            raise LinkLost("subscriptions are not confirmed") from None

    async def _repair(self, shard: Shard, enrolment: Enrolment) -> None:
        try:
            await self._while_here(shard, repair(shard, enrolment))
        except Fenced:
            self._holdings.want_repair(shard, "this node was declared dead")
            self._identity.declared_dead(enrolment.boot)
        if self._holdings.is_displaced(shard):
            # A channel was refused meanwhile.
            self._holdings.displace(shard, "it is displaced")

    async def _while_here(self, shard: Shard, work: Awaitable[None]) -> None:
        """Do something with a shard; if it is refused because the shard is elsewhere, have it looked for."""
        try:
            await work
        except Refusal as exc:
            self._displace_or_raise(shard, exc)

    def _enrolment(self) -> Enrolment:
        return Enrolment(self._identity.boot, tuple(self._identity.peers), self.link, self._scripts)

    # Probes

    async def _keep_probing(self) -> None:
        while True:
            await asyncio.sleep(PROBE_INTERVAL)
            await self._send_probe()
            if self._probe is not None:
                await self._checkup.do_if_due(self.link, self._scripts, self._probe.shard.keys, self._identity.boot)
            for shard in self._holdings.in_order():
                if shard.state is State.SETTLING:
                    await self._while_here(shard, settle(shard, self._enrolment()))

    async def _send_probe(self) -> None:
        """Send a probe, wait for it, and note what is known by that.

        :raises LinkLost: if it doesn't come back.
        """
        probe, shards = self._probe, self._holdings.in_order()
        if probe is None:
            return
        started = time.monotonic()
        found = await survey(self.link, self._scripts, shards, one_by_one=self._is_cluster)
        replid = await check_role(self.link, is_found=self._is_found)
        try:
            is_back = await probe.send(self.link, timeout=self._answer_timeout)
        except Refusal as exc:
            self._displace_or_raise(probe.shard, exc)
            return
        if not is_back:
            return
        self._on_probed(time.monotonic() - started)
        for shard, told in zip(shards, found, strict=True):
            if isinstance(told, Refusal):
                self._displace_or_raise(shard, told)
            elif shard in self._holdings.shards and shard.state is not State.AWAY:
                self._passed(shard, replid, *told)

    def _passed(self, shard: Shard, replid: str, epoch: bytes, known_replid: bytes, position: bytes, due: Any) -> None:
        """Take in what was read of a shard before a probe that is back."""
        if epoch.decode() != shard.epoch or known_replid.decode() != replid:
            shard.break_off("the server has changed")
            return
        shard.intake.passed(int(position))
        if due and shard.state is State.LIVE:
            self._on_due(shard, due)
