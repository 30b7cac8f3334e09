"""One Redis primary, with the shards that it has: two connections, mended whenever they break.

    find it ──▶ connect twice ──▶ subscribe ──▶ repair each shard ──▶ in use ──▶ broken ──▶ wait a little ──▶ find it
                                                                        │
                        each second: a probe goes out on one connection and must come back on the other

Commands and messages have a connection each, and the two share their fate: they are to the same server, and what one
of them says is judged by the other (:mod:`adapter.redis.probe`).

On Redis Cluster shards come and go. One that this primary doesn't have, or is about to hand over, is *displaced*: it is
put aside here until :mod:`adapter.redis.topology` has found out where it is, and has it adopted there or here.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import TYPE_CHECKING, Any

from adapter.redis.checkup import Checkup
from adapter.redis.envelope import Unreadable, read
from adapter.redis.errors import MOVING, LinkLost, Misconfigured, Refusal, code_of
from adapter.redis.link import open_link
from adapter.redis.probe import Probe, survey
from adapter.redis.repair import Enrolment, Fenced, repair, settle
from adapter.redis.scripts import Scripts
from adapter.redis.shard import APPLIED, State
from adapter.redis.startup import agree, check_permissions, check_role, check_server, explain, load_scripts
from adapter.redis.subscription import Subscription
from adapter.redis.troubles import Side

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from adapter.redis.finder import Finder
    from adapter.redis.identity import Identity
    from adapter.redis.link import Link
    from adapter.redis.numbering import Write
    from adapter.redis.options import RedisOptions
    from adapter.redis.shard import Shard
    from adapter.redis.stats import Stats
    from adapter.redis.watch import Watch

logger = logging.getLogger(__name__)

Command = tuple["bytes | str | int", ...]

PROBE_INTERVAL = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two attempts to connect; a cluster has 5 seconds to converge once its Redis is back."""
UNREADABLE_A_LINE = 1000
"""Envelopes that nobody can read for which there is one line in the log."""
SUBSCRIBE_TIMEOUT = 10.0
"""Seconds for all topics of a node to be subscribed again."""


class Partition:
    """The two connections to one primary.

    :param agreement: what shards are spread over, which all nodes must have in common.
    :param on_due: given the claims whose hold is due.
    :param on_displaced: asked where shards are, with the reason; None if they are always here.
    """

    def __init__(
        self,
        finder: Finder,
        *,
        identity: Identity,
        options: RedisOptions,
        stats: Stats,
        is_found: bool,
        agreement: str,
        on_due: Callable[[Shard, list[bytes]], None],
        on_displaced: Callable[[Iterable[Shard], str], None] | None = None,
    ) -> None:
        self.finder = finder
        self._identity = identity
        self._options = options
        self._stats = stats
        self._is_found = is_found
        self._agreement = agreement
        self._on_due = on_due
        self._on_displaced = on_displaced
        self._is_cluster = on_displaced is not None
        self._scripts = Scripts(sharded=self._is_cluster)
        self.shards: set[Shard] = set()
        # Those whose topics may not all be listened to: not to be used before they are adopted again.
        self._displaced: set[Shard] = set()
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
        self._repairs: dict[Shard, asyncio.Task[None]] = {}
        self._checkup = Checkup(str(finder), stats)
        # None before the first connection, or when there is no shard to have it in.
        self._probe: Probe | None = None

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
            if self._probe is not None and channel == self._probe.channel:
                self._probe.received(data)
            return
        try:
            position, kind, first, second = read(data)
        except Unreadable as exc:
            self._stats.unreadable += 1
            # There may be as many of them as there are messages.
            if self._stats.unreadable % UNREADABLE_A_LINE == 1:
                logger.warning("dropped %d so far: %s", self._stats.unreadable, exc)
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

    def _refused(self, channel: bytes, why: str) -> None:
        """Take note that a channel isn't listened to here."""
        watch = self._by_channel.get(channel)
        if watch is not None:
            self._displace(watch.shard, why)
        elif self._probe is not None and channel == self._probe.channel:
            self._displace(self._probe.shard, why)

    # Shards that come and go

    def adopt(self, shard: Shard) -> None:
        """Have a shard here from now on, or make sure that it is."""
        self.shards.add(shard)
        self._displaced.discard(shard)
        self._stop_repair(shard)
        for watch in shard.watches.values():
            self._by_channel[watch.channel] = watch
        if self._subscription is not None:
            self._subscription.add(watch.channel for watch in shard.watches.values())
            if self._probe is None or self._probe.shard is shard:
                self._set_up_probe(self._subscription)
            self.broken(shard, "it is to be used here")

    def release(self, shard: Shard) -> None:
        """Have a shard here no longer."""
        self.shards.discard(shard)
        self._displaced.discard(shard)
        self._broken.pop(shard, None)
        self._stop_repair(shard)
        for watch in shard.watches.values():
            if self._by_channel.pop(watch.channel, None) is not None and self._subscription is not None:
                self._subscription.remove(watch.channel)
        shard.detach()
        if self._subscription is not None and self._probe is not None and self._probe.shard is shard:
            self._subscription.remove(self._probe.channel)
            self._set_up_probe(self._subscription)

    def _stop_repair(self, shard: Shard) -> None:
        """Have nothing done any more by a repair that began with other subscriptions than there are now."""
        if shard in self._repairs:
            self._repairs[shard].cancel()

    def _displace(self, shard: Shard, why: str) -> None:
        """Use a shard no more until somebody has found out where it is."""
        assert self._on_displaced is not None, "only on Redis Cluster"
        if shard not in self.shards:
            return
        shard.break_off(why)
        self._broken.pop(shard, None)
        self._displaced.add(shard)
        self._on_displaced([shard], why)

    def _set_up_probe(self, subscription: Subscription) -> None:
        if self._probe is not None:
            self._probe.give_up()
        if not self.shards:
            self._probe = None
            return
        first = min(self.shards, key=lambda shard: shard.number)
        self._probe = Probe(first, self._identity.name_of_probe, sharded=self._is_cluster)
        subscription.add([self._probe.channel])

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
            except* Exception as group:
                # A mistake in here. To begin again with a new link mends more than a node that is deaf from now on.
                logger.exception("the link to %s ended by a mistake in this program", self.finder)
                why = LinkLost(f"a mistake in this program: {_first(group)!r}")
            if self.is_ending:
                return
            if self.up.is_set():
                pause = FIRST_PAUSE
            self._report(why)
            self._break_off()
            if self._on_displaced is not None:
                self._on_displaced(self.shards, str(why))
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(LONGEST_PAUSE, pause * 2)

    def _report(self, why: BaseException) -> None:
        if isinstance(why, Refusal):
            why = explain(self.finder, why)
        if isinstance(why, Misconfigured) and not self.failed.done():
            self.failed.set_exception(why)
            # Nobody waits for a master that a Redis Cluster has got later.
            self.failed.exception()
        if self.up.is_set():
            self._stats.reconnects += 1
            logger.warning("connection to Redis lost: %s", why)
        if isinstance(why, LinkLost | Misconfigured):
            where = str(self.finder)
            self._stats.troubles.note(Side.LINK, where, {why.kind: str(why)}, is_told=self.up.is_set())

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
        await check_role(link, is_found=self._is_found)
        await load_scripts(link, self._scripts)
        if not self.failed.done():
            await self._check(link)
        subscription = self._subscription = Subscription(
            (await self._open(place)).wire,
            sharded=self._is_cluster,
            on_message=self._received,
            on_confirmed=self._confirmed,
            on_refused=self._refused if self._is_cluster else None,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_wires(link, subscription))
            tasks.create_task(self._work(subscription))

    async def _open(self, place: Any) -> Link:
        options = self._options
        return await open_link(place, connect_timeout=options.connect_timeout, answer_timeout=options.answer_timeout)

    async def _check(self, link: Link) -> None:
        keys = min(self.shards, key=lambda shard: shard.number).keys
        await check_permissions(link, self._scripts, keys, self._identity.boot)
        # On Redis Cluster, all partitions have the same idea; it is kept with the first shard.
        if not self._is_cluster or any(shard.number == 0 for shard in self.shards):
            await agree(link, self._scripts, self._options, self._agreement)

    async def _watch_wires(self, link: Link, subscription: Subscription) -> None:
        await asyncio.wait((link.wire.lost, subscription.wire.lost), return_when=asyncio.FIRST_COMPLETED)
        if subscription.refusal is not None:
            raise subscription.refusal
        raise LinkLost(subscription.failure or f"{link.place} closed a connection")

    async def _work(self, subscription: Subscription) -> None:
        self._set_up_probe(subscription)
        subscription.add(self._by_channel)
        self._broken = dict.fromkeys(self.shards - self._displaced, "the link is new")
        self._has_broken.set()
        await self._repair_broken(subscription)
        await self._send_probe()
        self.up.set()
        self._stats.partitions_up[str(self.finder)] = True
        self._stats.troubles.note(Side.LINK, str(self.finder), {})
        if not self.failed.done():
            self.failed.set_result(None)
        else:
            logger.info("connected to Redis again, at %s", self._require_link().place)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_probing())
            tasks.create_task(self._keep_repairing(subscription))

    # Repair

    def broken(self, shard: Shard, why: str) -> None:
        """Repair a shard as soon as possible, or have it looked for if it isn't here."""
        if self._is_cluster and code_of(why) in MOVING:
            self._displace(shard, why)
            return
        self._broken[shard] = why
        self._has_broken.set()

    async def _keep_repairing(self, subscription: Subscription) -> None:
        while True:
            await self._has_broken.wait()
            await self._repair_broken(subscription)

    async def _repair_broken(self, subscription: Subscription) -> None:
        """Repair all shards that need it; a refusal among the reasons shows that the link needs it too."""
        self._has_broken.clear()
        broken, self._broken = self._broken, {}
        link = self._require_link()
        for shard, why in broken.items():
            logger.debug("shard %d is repaired: %s", shard.number, why)
        if any(why.startswith("NOSCRIPT") for why in broken.values()):
            await load_scripts(link, self._scripts)
        await self._wait_answered(subscription)
        replid = await check_role(link, is_found=self._is_found)
        enrolment = self._enrolment(link)
        async with asyncio.TaskGroup() as tasks:
            for shard in broken:
                # One that was adopted meanwhile waits for its new subscriptions.
                if shard in self.shards and shard not in self._displaced and shard not in self._broken:
                    shard.attach(link, self._scripts, replid)
                    self._repairs[shard] = tasks.create_task(self._repair(shard, enrolment))
        self._repairs.clear()

    @staticmethod
    async def _wait_answered(subscription: Subscription) -> None:
        try:
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT):
                await subscription.wait_answered()
        except TimeoutError:
            raise LinkLost("subscriptions are not confirmed") from None

    async def _repair(self, shard: Shard, enrolment: Enrolment) -> None:
        try:
            await self._while_here(shard, repair(shard, enrolment))
        except Fenced:
            self.broken(shard, "this node was declared dead")
            self._identity.declared_dead(enrolment.boot)
        if shard in self._displaced:
            # A channel was refused meanwhile.
            shard.break_off("it is displaced")
            self._broken.pop(shard, None)

    async def _while_here(self, shard: Shard, work: Awaitable[None]) -> None:
        """Do something with a shard; if it is refused because the shard is elsewhere, have it looked for."""
        try:
            await work
        except Refusal as exc:
            if not self._is_cluster or exc.code not in MOVING:
                raise
            self._displace(shard, str(exc))

    def _enrolment(self, link: Link) -> Enrolment:
        return Enrolment(self._identity.boot, tuple(self._identity.peers), link, self._scripts)

    def _require_link(self) -> Link:
        if self.link is None:
            raise LinkLost("no connection")
        return self.link

    # Probes

    async def _keep_probing(self) -> None:
        while True:
            await asyncio.sleep(PROBE_INTERVAL)
            await self._send_probe()
            if self._probe is not None:
                keys = self._probe.shard.keys
                await self._checkup.do_if_due(self._require_link(), self._scripts, keys, self._identity.boot)
            for shard in list(self.shards):
                if shard.state is State.SETTLING:
                    await self._while_here(shard, settle(shard, self._enrolment(self._require_link())))

    async def _send_probe(self) -> None:
        """Send a probe, wait for it, and note what is known by that.

        :raises LinkLost: if it doesn't come back.
        """
        link, probe = self._require_link(), self._probe
        if probe is None:
            return
        started = time.monotonic()
        shards = sorted(self.shards, key=lambda shard: shard.number)
        found = await survey(link, self._scripts, shards, one_by_one=self._is_cluster)
        replid = await check_role(link, is_found=self._is_found)
        try:
            is_back = await probe.send(link, timeout=self._options.answer_timeout)
        except Refusal as exc:
            self._displaced_or_raise(probe.shard, exc)
            return
        if not is_back:
            return
        self._stats.probe_seconds[str(self.finder)] = time.monotonic() - started
        for shard, told in zip(shards, found, strict=True):
            if isinstance(told, Refusal):
                self._displaced_or_raise(shard, told)
            elif shard in self.shards and shard.state is not State.AWAY:
                self._passed(shard, replid, *told)

    def _displaced_or_raise(self, shard: Shard, refusal: Refusal) -> None:
        if not self._is_cluster or refusal.code not in MOVING:
            raise refusal
        self._displace(shard, str(refusal))

    def _passed(self, shard: Shard, replid: str, epoch: bytes, known_replid: bytes, position: bytes, due: Any) -> None:
        """Take in what was read of a shard before a probe that is back."""
        if epoch.decode() != shard.epoch or known_replid.decode() != replid:
            shard.break_off("the server has changed")
            return
        shard.intake.passed(int(position))
        if due and shard.state is State.LIVE:
            self._on_due(shard, due)

    # Commands

    async def call(self, *command: bytes | str | int) -> Any:
        """Send a command once.

        :raises LinkLost: if there is no connection.
        """
        return await self._require_link().ask(*command)

    async def ask_each(self, commands: Iterable[tuple[bytes | str | int, ...]]) -> list[Any]:
        """Send commands together, once; a refusal is an answer like any other.

        :raises LinkLost: if there is no connection.
        """
        return await self._require_link().ask_each(commands)

    async def run_script(self, name: str, keys: Iterable[str], *arguments: bytes | str | int) -> Any:
        return await self.call(*self.script_command(name, keys, *arguments))

    def script_command(self, name: str, keys: Iterable[str], *arguments: bytes | str | int) -> Command:
        """Return the command that runs a script."""
        names = list(keys)
        return (b"EVALSHA", self._scripts.digests[name], len(names), *names, *arguments)

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
        """End the connections, for good."""
        self._break_off()
        self._stats.partitions_up.pop(str(self.finder), None)
        self._stats.probe_seconds.pop(str(self.finder), None)
        self._stats.troubles.forget(str(self.finder))
        if not self.failed.done():
            self.failed.set_result(None)
        # Whoever waits has to look elsewhere.
        self.up.set()


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
