"""The adapter of a node in a cluster: everything through Redis. See :class:`adapter.base.Adapter` for the promises.

publish, enter, leave, count ──▶ Shard ──numbered writes──▶ Partition ──▶ Redis: script, journal, pub/sub
Receiver ◀──in order, once── Shard ◀── messages, replays ── Partition ◀───────────┘
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from adapter.redis.allowances.admission import Admission
from adapter.redis.allowances.rates import Rates
from adapter.redis.entries import Entries
from adapter.redis.errors import LinkLost, Refusal
from adapter.redis.interest import Interest
from adapter.redis.nodes.census import keep_counting
from adapter.redis.nodes.identity import Identity
from adapter.redis.nodes.nodes import DEAD_AFTER, Nodes
from adapter.redis.nodes.reaper import Incomplete, Reaper
from adapter.redis.options import RedisOptions
from adapter.redis.outbox.outbox import RedisOutbox
from adapter.redis.primaries.reconcile import reconcile
from adapter.redis.primaries.topology import Topology
from adapter.redis.reads import Reads, away
from adapter.redis.shard.shard import State
from adapter.redis.shards import shard_of
from adapter.redis.stats import Stats

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from adapter.base import Entry, Full, NodeInfo, Occupancy, Receiver, Remembered, Spent, Topic
    from adapter.plain_numbers import ClusterNumbers
    from adapter.redis.shard.numbering import Write
    from adapter.redis.shard.shard import Shard

logger = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Writes of one shard that wait; one more publish is refused at once."""
TICK = 0.25
"""Seconds between two looks at what is overdue, and two tellings of changed counts."""


class RedisAdapter:
    """Keeps the state of a cluster in Redis.

    :param urls: see :mod:`adapter.redis.link.place`; several single servers, or one Sentinel or Cluster.
    :raises Misconfigured: if a URL can't be understood.
    """

    def __init__(self, urls: Sequence[str], options: RedisOptions | None = None) -> None:
        self._options = options or RedisOptions()
        self.stats = Stats()
        # What this node says that it is doing.
        self._state = "starting"
        self._identity = Identity(self._options.node, self._reborn)
        self._topology = Topology(
            urls,
            self._identity,
            self._options,
            self.stats,
            on_fenced=self._identity.declared_dead,
            on_due=self._collect,
        )
        self._shards = self._topology.shards
        self._reads = Reads(self._topology, patience=self._options.patience)
        self.outbox = RedisOutbox(self._topology, self._identity, self._options.outbox, patience=self._options.patience)
        self._runner: asyncio.Task[None] | None = None
        # What must not go on once this node has signed off.
        self._upkeep: list[asyncio.Task[None]] = []

    # Life

    async def start(self, receiver: Receiver) -> None:
        self._loop = asyncio.get_running_loop()
        for shard in self._shards:
            shard.receiver = receiver
        self._has_started = asyncio.Event()
        self._topology.open()
        self._interest = Interest(self._topology, self._loop.time)
        self._entries = Entries(self._shards, self._interest, self._loop)
        self._admission = Admission(self._lease, patience=self._options.patience)
        self._rates = Rates(self._draw, nodes=lambda: 1 + len(self._identity.peers))
        self._reaper = Reaper(self._topology, self._identity, self.stats)
        self._nodes = Nodes(
            self._identity,
            self.stats,
            beat=self._send_beat,
            describe=self._describe_node,
            server=lambda: self._shards[0].epoch,
            reap=self._reaper.reap,
            on_beat=self._admission.renew,
        )
        self._runner = self._loop.create_task(self._run(), name="redis-adapter")
        ready = self._loop.create_task(self._become_ready())
        try:
            await asyncio.wait((self._runner, ready), return_when=asyncio.FIRST_COMPLETED)
            if self._runner.done():
                self._runner.result()
            ready.result()
        except BaseException:
            ready.cancel()
            await self._end()
            raise

    async def _become_ready(self) -> None:
        await self._topology.wait_up()
        while not self._nodes.health.has_begun:
            try:
                await self._nodes.beat_once()
            except (LinkLost, Refusal) as exc:
                logger.debug("no first beat: %s", exc)
                await asyncio.sleep(TICK)
        self._has_started.set()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._topology.run())
            for work in (self._keep_ticking, self._admission.run, self._rates.run):
                tasks.create_task(_keep(work))
            await self._has_started.wait()
            upkeep = (
                self._nodes.run,
                self._keep_reconciling,
                partial(keep_counting, self.nodes, self.stats),
                self.outbox.run,
            )
            self._upkeep = [tasks.create_task(_keep(work)) for work in upkeep]

    async def stop(self) -> None:
        for task in self._upkeep:
            task.cancel()
        try:
            async with asyncio.timeout(self._options.sign_off_timeout):
                self._entries.tell_counts()
                for shard in self._shards:
                    await shard.wait_idle()
                self._entries.claim_nothing()
                await self.outbox.sign_off()
                await self._reaper.sign_off()
        except (TimeoutError, LinkLost, Refusal, Incomplete) as exc:
            # The others will find out by the missing beats.
            logger.warning("not signed off in Redis: %s", exc or "no time left")
        finally:
            await self._end()

    async def _end(self) -> None:
        if self._runner is not None:
            self._topology.end()
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        self._topology.close()
        for shard in self._shards:
            shard.receiver = None

    def declare(self, state: str, connections: int, *, is_leaving: bool = False) -> None:
        # Connections are counted here anyway.
        self._state = state
        if is_leaving:
            self._admission.leave()
        self._nodes.beat_soon()

    async def nodes(self) -> list[NodeInfo]:
        return await self._reads.nodes()

    def numbers(self) -> ClusterNumbers:
        return self.stats.numbers(self._shards)

    # Messages

    def publish(
        self, topic: Topic, payload: bytes, *, sender: str = "", remember: float = 0.0, once: str = ""
    ) -> Future[None]:
        shard = self._shards[shard_of(topic)]
        return self._submit_bounded(shard, shard.writes.publish(topic, payload, sender, remember, once))

    def terminate(self, topic: Topic) -> Future[None]:
        shard = self._shards[shard_of(topic)]
        return self._submit_bounded(shard, shard.writes.terminate(topic))

    def _submit_bounded(self, shard: Shard, write: Write) -> Future[None]:
        """Submit a write that is given up, as far as its caller is concerned, when it takes too long."""
        future: Future[None] = self._loop.create_future()
        if len(shard.line.waiting) >= MOST_WAITING:
            self._give_up(future)
            return future
        write.asked_at = self._loop.time()
        write.future = future
        self._interest.submit(shard, write, is_state=False)
        return future

    def _give_up(self, future: Future[None]) -> None:
        self.stats.publish_errors += 1
        future.set_exception(away())

    def watch(self, topic: Topic) -> None:
        self._interest.watch(topic)

    def unwatch(self, topic: Topic) -> None:
        self._interest.unwatch(topic)

    # Entries

    def enter(
        self, topic: Topic, user: str | None = None, info: bytes = b"", *, limit: int | None = None
    ) -> Future[Entry | Full]:
        return self._entries.enter(topic, user, info, limit)

    def leave(self, topic: Topic, user: str | None = None, *, hold: float = 0.0) -> None:
        self._entries.leave(topic, user, hold)

    def count(self, topic: Topic, subscriptions: int, *, announce: bool = False) -> None:
        self._entries.count(topic, subscriptions, announce)

    # Connections

    def admit(self, app_id: str, limit: int | None) -> Future[bool]:
        return self._admission.admit(app_id, limit)

    def discharge(self, app_id: str) -> None:
        self._admission.discharge(app_id)

    async def _lease(self, app_id: str, wanted: int, limit: int) -> tuple[int, bool]:
        keys = self._shards[0].keys
        answer = await self._topology.home.run_script(
            "lease", [keys.leases(app_id), keys.nodes], self._identity.boot, wanted, limit
        )
        granted, _, leaving = map(int, answer)
        return granted, bool(leaving)

    # Rates

    def spend(self, app_id: str, what: str, amount: int, rate: int) -> Future[Spent]:
        return self._rates.spend(app_id, what, amount, rate)

    async def _draw(self, app_id: str, what: str, *wishes: int) -> tuple[int, float]:
        key = self._shards[0].keys.allowance(app_id, what)
        granted, missing = await self._topology.home.run_script("draw", [key], *wishes)
        return int(granted), int(missing) / 1000

    # Reads

    async def describe(self, topics: Sequence[Topic]) -> list[Occupancy]:
        self._entries.tell_counts()
        try:
            async with asyncio.timeout(self._options.patience):
                await self._interest.wait_confirmed(topics)
                return await self._reads.describe(topics)
        except TimeoutError as exc:
            raise away() from exc

    async def occupied_topics(self, app_id: str, prefix: str = "") -> dict[str, Occupancy]:
        self._entries.tell_counts()
        return await self._reads.occupied_topics(app_id, prefix)

    async def members(self, topic: Topic) -> list[str]:
        return await self._reads.members(topic)

    async def remembered(self, topic: Topic) -> Remembered | None:
        return await self._reads.remembered(topic)

    # Time

    async def _keep_ticking(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._entries.tell_counts()
            for write in self._overdue(self._loop.time() - self._options.patience):
                assert write.future is not None, "only such are overdue"
                self._give_up(write.future)
            self._interest.sweep()

    def _overdue(self, before: float) -> Iterable[Write]:
        for shard in self._shards:
            if not shard.line.is_idle:
                yield from shard.line.overdue(before)
        yield from self._interest.overdue(before)

    async def _keep_reconciling(self) -> None:
        """Compare one shard a second with what Redis has."""
        while True:
            for shard in self._shards:
                await asyncio.sleep(1.0)
                try:
                    await reconcile(shard, self._topology.partition(shard))
                except (LinkLost, Refusal) as exc:
                    logger.debug("shard %d not compared: %s", shard.number, exc)

    def _collect(self, shard: Shard, claims: list[bytes]) -> None:
        """End holds that are due, unless Redis was away lately: who was to come back couldn't."""
        if self._nodes.health.is_good and self._loop.time() - shard.returned_at > DEAD_AFTER:
            self._topology.partition(shard).send_guarded(
                shard, [shard.writes.lapse(claim.decode()) for claim in claims]
            )

    # This node among others

    async def _send_beat(self, text: str, peers: Iterable[str]) -> Any:
        home, boot = self._shards[0], self._identity.boot
        if home.state is State.AWAY:
            # A server that lost its memory doesn't know this boot yet, which isn't dead because of that.
            raise LinkLost("this node is not enrolled")
        keys = home.keys
        names = keys.beats, keys.nodes, keys.writes(boot)
        return await self._topology.home.run_script("beat", names, boot, text, *peers)

    def _describe_node(self) -> dict[str, Any]:
        return {
            "name": self._identity.name,
            "version": self._options.version,
            "state": self._state,
            "connections": self._admission.open,
            "leases": self._admission.leased_apps,
            "leaving": self._admission.is_leaving,
        }

    def _reborn(self) -> None:
        """Begin again under a new boot id: others had declared this node dead and taken back its entries."""
        self.stats.reborn += 1
        logger.warning("this node was declared dead; it goes on as %s and enters again", self._identity.boot)
        for shard in self._shards:
            shard.break_off("this node was declared dead")
            self._topology.broken(shard, "this node was declared dead")


async def _keep(work: Callable[[], Awaitable[None]]) -> None:
    """Do what never ends. Should a mistake in this program end it, it begins again: it must not take the rest along."""
    while True:
        try:
            await work()
        except Exception:
            logger.exception("begun again after a mistake in this program: %s", work)
        await asyncio.sleep(TICK)
