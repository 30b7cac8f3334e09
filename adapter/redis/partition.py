"""One Redis primary, with the shards that it has: two connections, mended whenever they break.

    find it ──▶ connect twice ──▶ subscribe ──▶ repair each shard ──▶ in use ──▶ broken ──▶ wait a little ──▶ find it
                                                                        │
                        each second: a probe goes out on one connection and must come back on the other

Commands and messages have a connection each, and the two share their fate: they are to the same server, and what one
of them says is judged by the other. A probe is a barrier: positions are read before it is published, so once it is
back all messages up to them are.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from typing import TYPE_CHECKING, Any

from adapter.redis.envelope import Unreadable, read
from adapter.redis.errors import LinkLost, Misconfigured, Refusal
from adapter.redis.link import open_link
from adapter.redis.repair import Enrolment, Fenced, repair, settle
from adapter.redis.scripts import Scripts
from adapter.redis.shard import APPLIED, State
from adapter.redis.startup import agree, check_permissions, check_role, check_server, explain, load_scripts
from adapter.redis.subscription import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adapter.redis.finder import Finder
    from adapter.redis.identity import Identity
    from adapter.redis.link import Link
    from adapter.redis.numbering import Write
    from adapter.redis.options import RedisOptions
    from adapter.redis.shard import Shard
    from adapter.redis.stats import Stats
    from adapter.redis.watch import Watch

logger = logging.getLogger(__name__)

PROBE_INTERVAL = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two attempts to connect; a cluster has 5 seconds to converge once its Redis is back."""
SUBSCRIBE_TIMEOUT = 10.0
"""Seconds for all topics of a node to be subscribed again."""
DUE_AT_ONCE = 100
"""Holds that are collected in a shard each second, by each node."""


class Partition:
    """The two connections to one primary.

    :param agreement: what all nodes must have in common; None if that isn't to be checked here.
    :param on_due: given the claims whose hold is due.
    """

    def __init__(
        self,
        finder: Finder,
        *,
        identity: Identity,
        options: RedisOptions,
        stats: Stats,
        is_cluster: bool,
        is_found: bool,
        agreement: str,
        on_due: Callable[[Shard, list[bytes]], None],
    ) -> None:
        self.finder = finder
        self._identity = identity
        self._options = options
        self._stats = stats
        self._is_cluster = is_cluster
        self._is_found = is_found
        self._agreement = agreement
        self._on_due = on_due
        self._scripts = Scripts(sharded=is_cluster)
        self.shards: set[Shard] = set()
        self._by_channel: dict[bytes, Watch] = {}
        # None while away.
        self.link: Link | None = None
        self._subscription: Subscription | None = None
        self.up = asyncio.Event()
        # Set before this is cancelled: a task group that fails at that very moment forgets about it. (Task.cancelling
        # can't be asked: up to Python 3.12 it counts a group's own cancellations too.)
        self.is_ending = False
        # Set by what can't be mended, before the first success.
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._broken: dict[Shard, str] = {}
        self._has_broken = asyncio.Event()
        self._probe_returned: asyncio.Future[None] | None = None
        self._nonce = 0
        self._probe_channel = b""
        # When it came back after it had been away, by the loop's clock; never before.
        self.returned_at = -math.inf

    # Interest

    def listen(self, watches: Iterable[Watch]) -> None:
        """Have messages for these topics delivered."""
        new = [watch.channel for watch in watches if self._by_channel.setdefault(watch.channel, watch) is watch]
        if self._subscription is not None:
            self._subscription.add(new)

    def forget(self, watch: Watch) -> None:
        """Listen no more to a topic that was confirmed."""
        del self._by_channel[watch.channel]
        if self._subscription is not None:
            self._subscription.remove(watch.channel)

    def _received(self, channel: bytes, data: bytes) -> None:
        watch = self._by_channel.get(channel)
        if watch is None:
            if channel == self._probe_channel:
                self._probed(data)
            return
        try:
            position, kind, first, second = read(data)
        except Unreadable as exc:
            self._stats.unreadable += 1
            logger.warning("dropped: %s", exc)
            return
        watch.shard.arrived(watch, position, kind, first, second, len(data))

    def _confirmed(self, channel: bytes) -> None:
        watch = self._by_channel.get(channel)
        if watch is None or watch.is_confirmed:
            return
        watch.is_confirmed = True
        held, watch.held = watch.held, []
        for write in held:
            watch.shard.submit(write)

    # The session

    async def run(self) -> None:
        """Keep the connections, until cancelled."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self._session()
                why: BaseException = LinkLost("ended")
            except* (LinkLost, Refusal, Misconfigured) as group:
                why = _first(group)
            if self.is_ending:
                return
            if self.up.is_set():
                pause = FIRST_PAUSE
            self._report(why)
            self._break_off()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(LONGEST_PAUSE, pause * 2)

    def _report(self, why: BaseException) -> None:
        if isinstance(why, Refusal):
            why = explain(self.finder, why)
        if isinstance(why, Misconfigured) and not self.failed.done():
            self.failed.set_exception(why)
        if self.up.is_set():
            self._stats.reconnects += 1
            logger.warning("connection to Redis lost: %s", why)
        else:
            logger.debug("no connection to Redis yet: %s", why)

    def _break_off(self) -> None:
        self.up.clear()
        self._stats.partitions_up[str(self.finder)] = False
        if self.link is not None:
            self.link.wire.close()
        if self._subscription is not None:
            self._subscription.wire.close()
        self.link = self._subscription = None
        for shard in self.shards:
            shard.detach()

    async def _session(self) -> None:
        """Connect, and work until something breaks, which it raises."""
        place = await self.finder.find()
        link = self.link = await self._open(place)
        if not self.failed.done():
            await check_server(link, is_cluster=self._is_cluster)
        replid = await check_role(link, is_found=self._is_found)
        await load_scripts(link, self._scripts)
        if not self.failed.done():
            await self._check(link)
        subscription = self._subscription = Subscription(
            (await self._open(place)).wire,
            sharded=self._is_cluster,
            on_message=self._received,
            on_confirmed=self._confirmed,
        )
        for shard in self.shards:
            shard.attach(link, self._scripts, replid)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_wires(link, subscription))
            tasks.create_task(self._work(subscription))

    async def _open(self, place: Any) -> Link:
        options = self._options
        return await open_link(place, connect_timeout=options.connect_timeout, answer_timeout=options.answer_timeout)

    async def _check(self, link: Link) -> None:
        keys = min(self.shards, key=lambda shard: shard.number).keys
        await check_permissions(link, self._scripts, keys, self._identity.boot)
        if self._agreement:
            await agree(link, self._scripts, keys, self._options, self._agreement)

    async def _watch_wires(self, link: Link, subscription: Subscription) -> None:
        await asyncio.wait((link.wire.lost, subscription.wire.lost), return_when=asyncio.FIRST_COMPLETED)
        raise LinkLost(subscription.failure or f"{link.place} closed a connection")

    async def _work(self, subscription: Subscription) -> None:
        self._probe_channel = self._probing_shard.keys.probe_channel(self._identity.name_of_probe).encode()
        subscription.add([self._probe_channel, *self._by_channel])
        try:
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT):
                await subscription.wait_confirmed()
        except TimeoutError:
            raise LinkLost("subscriptions are not confirmed") from None
        self._broken = dict.fromkeys(self.shards, "the link is new")
        self._has_broken.set()
        await self._repair_broken()
        await self._probe()
        self.up.set()
        self._stats.partitions_up[str(self.finder)] = True
        if not self.failed.done():
            self.failed.set_result(None)
        else:
            self.returned_at = asyncio.get_running_loop().time()
            logger.info("connected to Redis again, at %s", self._require_link().place)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_probing())
            tasks.create_task(self._keep_repairing())

    # Repair

    def broken(self, shard: Shard, why: str) -> None:
        """Repair a shard as soon as possible."""
        self._broken[shard] = why
        self._has_broken.set()

    async def _keep_repairing(self) -> None:
        while True:
            await self._has_broken.wait()
            await self._repair_broken()

    async def _repair_broken(self) -> None:
        """Repair all shards that need it; a refusal among the reasons shows that the link needs it too."""
        self._has_broken.clear()
        broken, self._broken = self._broken, {}
        link = self._require_link()
        for shard, why in broken.items():
            logger.debug("shard %d is repaired: %s", shard.number, why)
        if any(why.startswith("NOSCRIPT") for why in broken.values()):
            await load_scripts(link, self._scripts)
        replid = await check_role(link, is_found=True)
        for shard in broken:
            shard.attach(link, self._scripts, replid)
        enrolment = self._enrolment(link)
        async with asyncio.TaskGroup() as tasks:
            for shard in broken:
                tasks.create_task(self._repair(shard, enrolment))

    async def _repair(self, shard: Shard, enrolment: Enrolment) -> None:
        try:
            await repair(shard, enrolment)
        except Fenced:
            self.broken(shard, "this node was declared dead")
            self._identity.declared_dead(enrolment.boot)

    def _enrolment(self, link: Link) -> Enrolment:
        return Enrolment(self._identity.boot, tuple(self._identity.peers), link, self._scripts)

    def _require_link(self) -> Link:
        if self.link is None:
            raise LinkLost("no connection")
        return self.link

    # Probes

    @property
    def _probing_shard(self) -> Shard:
        return min(self.shards, key=lambda shard: shard.number)

    async def _keep_probing(self) -> None:
        while True:
            await asyncio.sleep(PROBE_INTERVAL)
            await self._probe()
            await settle(self.shards, self._enrolment(self._require_link()))

    async def _probe(self) -> None:
        """Send a probe, wait for it, and note what is known by that.

        :raises LinkLost: if it doesn't come back.
        """
        link = self._require_link()
        started = time.monotonic()
        shards = sorted(self.shards, key=lambda shard: shard.number)
        survey = await self._survey(link, shards)
        replid = await check_role(link, is_found=True)
        await self._send_probe(link)
        self._stats.probe_seconds[str(self.finder)] = time.monotonic() - started
        for shard, (epoch, known_replid, position, due) in zip(shards, survey, strict=True):
            if shard.state is State.AWAY:
                continue
            if epoch.decode() != shard.epoch or known_replid.decode() != replid:
                shard.break_off("the server has changed")
                continue
            shard.intake.passed(int(position))
            if due and shard.state is State.LIVE:
                self._on_due(shard, due)

    async def _survey(self, link: Link, shards: list[Shard]) -> list[Any]:
        digest = self._scripts.digests["survey"]
        # On Redis Cluster a script may only touch one slot.
        groups = [[shard] for shard in shards] if self._is_cluster else [shards]
        commands: list[tuple[bytes | str | int, ...]] = []
        for group in groups:
            keys = [key for shard in group for key in (shard.keys.meta, shard.keys.holds)]
            commands.append((b"EVALSHA", digest, len(keys), *keys, DUE_AT_ONCE))
        return [found for answer in await link.ask_all(commands) for found in answer]

    async def _send_probe(self, link: Link) -> None:
        self._nonce += 1
        returned = self._probe_returned = asyncio.get_running_loop().create_future()
        await link.ask("SPUBLISH" if self._is_cluster else "PUBLISH", self._probe_channel, self._nonce)
        try:
            async with asyncio.timeout(self._options.answer_timeout):
                await returned
        except TimeoutError:
            raise LinkLost(f"{link.place} doesn't deliver messages") from None

    def _probed(self, data: bytes) -> None:
        waiting = self._probe_returned
        if waiting is not None and not waiting.done() and data == b"%d" % self._nonce:
            waiting.set_result(None)

    # Commands

    async def call(self, *command: bytes | str | int) -> Any:
        """Send a command once.

        :raises LinkLost: if there is no connection.
        """
        return await self._require_link().ask(*command)

    async def ask_all(self, commands: Iterable[tuple[bytes | str | int, ...]]) -> list[Any]:
        """Send commands together, once.

        :raises LinkLost: if there is no connection.
        """
        return await self._require_link().ask_all(commands)

    async def run_script(self, name: str, keys: Iterable[str], *arguments: bytes | str | int) -> Any:
        names = list(keys)
        return await self.call(b"EVALSHA", self._scripts.digests[name], len(names), *names, *arguments)

    async def write_guarded(self, shard: Shard, writes: list[Write]) -> bool:
        """Have writes applied that have no number, since something else keeps them from being applied twice.

        Tells whether all of them were; none of a shard that is being repaired is.
        """
        if shard.state is not State.LIVE:
            return False
        answers = await self._require_link().ask_all(shard.command(write, -1) for write in writes)
        return all(answer[0] == APPLIED for answer in answers)

    def send_guarded(self, shard: Shard, writes: list[Write]) -> None:
        """Like :meth:`write_guarded`, without waiting for what comes of it."""
        if shard.state is State.LIVE and self.link is not None:
            for write in writes:
                self.link.send(_ignore, None, shard.command(write, -1))

    def close(self) -> None:
        """End the connections."""
        self._break_off()


def _ignore(_: None, reply: object) -> None:
    pass


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return one of the reasons; a mistake rather than what came of it."""
    flat: list[BaseException] = []
    rest: list[BaseException] = [group]
    while rest:
        error = rest.pop()
        if isinstance(error, BaseExceptionGroup):
            rest += error.exceptions
        else:
            flat.append(error)
    return next((error for error in flat if isinstance(error, Misconfigured)), flat[0])
