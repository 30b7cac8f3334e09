"""One Redis primary, with the shards that it has: two connections, mended whenever they break.

    find it ──▶ connect twice ──▶ subscribe ──▶ repair each shard ──▶ in use ──▶ broken ──▶ wait a little ──▶ find it
                                                                        │
                        each second: a probe goes out on one connection and must come back on the other

What is done while they stand is in :mod:`adapter.redis.primaries.session`.

On Redis Cluster shards come and go. One that this primary doesn't have, or is about to hand over, is *displaced*: it is
put aside here until `topology.py` has found out where it is, and has it adopted there or here.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any

from adapter.redis.errors import MOVING, LinkLost, Misconfigured, Refusal, code_of
from adapter.redis.link.link import open_link
from adapter.redis.primaries.checkup import Checkup
from adapter.redis.primaries.holdings import Holdings
from adapter.redis.primaries.listening import Listening
from adapter.redis.primaries.session import Session
from adapter.redis.primaries.startup import agree, check_permissions, check_role, check_server, explain, load_scripts
from adapter.redis.scripts import Scripts
from adapter.redis.shard.shard import APPLIED, State
from adapter.redis.troubles import Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adapter.redis.link.link import Link
    from adapter.redis.link.place import Place
    from adapter.redis.nodes.identity import Identity
    from adapter.redis.options import RedisOptions
    from adapter.redis.primaries.finder import Finder
    from adapter.redis.shard.numbering import Write
    from adapter.redis.shard.shard import Shard
    from adapter.redis.shard.watch import Watch
    from adapter.redis.stats import Stats

logger = logging.getLogger(__name__)

Command = tuple["bytes | str | int", ...]

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two attempts to connect; a cluster has 5 seconds to converge once its Redis is back."""


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
        self._holdings = Holdings()
        self._listening = Listening(stats)
        self._checkup = Checkup(str(finder), stats)
        # None while there is no connection for commands.
        self._link: Link | None = None
        # None while one of the connections is missing.
        self._session: Session | None = None
        self.up = asyncio.Event()
        # Set before this is cancelled: a task group that fails at that very moment forgets about it. (Task.cancelling
        # can't be asked: up to Python 3.12 it counts a group's own cancellations too.)
        self.is_ending = False
        # Set by what can't be mended, before the first success.
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_empty(self) -> bool:
        """Whether it has no shard."""
        return not self._holdings.shards

    # Interest

    def listen(self, watches: Iterable[Watch]) -> None:
        """Have messages for these topics delivered."""
        new = self._listening.add(watches)
        if self._session is not None:
            self._session.subscription.add(new)

    def forget(self, watch: Watch) -> None:
        """Listen no more to a topic that was confirmed."""
        if self._listening.remove(watch) and self._session is not None:
            self._session.subscription.remove(watch.channel)

    # Shards that come and go

    def adopt(self, shard: Shard) -> None:
        """Have a shard here from now on, or make sure that it is."""
        self._holdings.adopt(shard)
        self._listening.add(shard.watches.values())
        if self._session is not None:
            self._session.adopted(shard)
            self._holdings.want_repair(shard, "it is to be used here")

    def release(self, shard: Shard) -> None:
        """Have a shard here no longer."""
        self._holdings.release(shard)
        for watch in shard.watches.values():
            self.forget(watch)
        shard.detach()
        if self._session is not None:
            self._session.released(shard)

    def broken(self, shard: Shard, why: str) -> None:
        """Repair a shard as soon as possible, or have it looked for if it isn't here."""
        if self._is_cluster and code_of(why) in MOVING:
            self._displace(shard, why)
        else:
            self._holdings.want_repair(shard, why)

    def _displace(self, shard: Shard, why: str) -> None:
        """Use a shard no more until somebody has found out where it is."""
        assert self._on_displaced is not None, "only on Redis Cluster"
        if shard in self._holdings.shards:
            self._holdings.displace(shard, why)
            self._on_displaced([shard], why)

    # Life

    async def run(self) -> None:
        """Keep the connections, until cancelled."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self._connect_and_work()
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
            else:
                self.finder.doubt()
            self._report(why)
            self._break_off()
            if self._on_displaced is not None:
                self._on_displaced(self._holdings.shards, str(why))
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
            logger.warning("connection to Redis lost (clients stay, publishes wait and then get 503): %s", why)
        if isinstance(why, LinkLost | Misconfigured):
            where = str(self.finder)
            self._stats.troubles.note(Side.LINK, where, {why.kind: str(why)}, is_told=self.up.is_set())

    def _break_off(self) -> None:
        self.up.clear()
        self._stats.partitions_up[str(self.finder)] = False
        if self._session is not None:
            self._session.close()
        if self._link is not None:
            self._link.wire.close()
        self._link = self._session = None
        for shard in self._holdings.shards:
            shard.detach()

    async def _connect_and_work(self) -> None:
        """Connect, and work until something breaks, which it raises."""
        place = await self.finder.find()
        link = self._link = await self._open(place)
        if not self.failed.done():
            await check_server(link, is_cluster=self._is_cluster)
        await check_role(link, is_found=self._is_found)
        await load_scripts(link, self._scripts)
        if not self.failed.done():
            await self._check(link)
        listener = await self._open(place)
        self._session = Session(
            link,
            listener.wire,
            holdings=self._holdings,
            listening=self._listening,
            scripts=self._scripts,
            identity=self._identity,
            checkup=self._checkup,
            is_found=self._is_found,
            answer_timeout=self._options.answer_timeout,
            on_up=self._is_up,
            on_probed=self._probed,
            on_due=self._on_due,
            on_displaced=self._displace if self._is_cluster else None,
        )
        await self._session.run()

    async def _open(self, place: Place) -> Link:
        options = self._options
        return await open_link(place, connect_timeout=options.connect_timeout, answer_timeout=options.answer_timeout)

    async def _check(self, link: Link) -> None:
        first = self._holdings.first
        assert first is not None, "a partition without a shard is dismissed"
        await check_permissions(link, self._scripts, first.keys, self._identity.boot)
        # On Redis Cluster, all partitions have the same idea; it is kept with the first shard.
        if not self._is_cluster or first.number == 0:
            await agree(link, self._scripts, self._options, self._agreement)

    def _is_up(self) -> None:
        self.up.set()
        self._stats.partitions_up[str(self.finder)] = True
        self._stats.troubles.note(Side.LINK, str(self.finder), {})
        if not self.failed.done():
            self.failed.set_result(None)
        else:
            logger.info("connected to Redis again, at %s", self._require_link().place)

    def _probed(self, seconds: float) -> None:
        self._stats.probe_seconds[str(self.finder)] = seconds

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

    # Commands

    def _require_link(self) -> Link:
        if self._link is None:
            raise LinkLost("no connection")
        return self._link

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
        if shard.state is State.LIVE and self._link is not None:
            for write in writes:
                self._link.send(_ignore, None, shard.command(write, -1))


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
