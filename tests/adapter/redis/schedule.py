"""Nodes that do anything at any time, while their links break in any way; and what must be true of it afterwards.

All is drawn from one seed, so that a schedule that shows a fault can be run again. (Not to the last interleaving: the
server, the kernel and the clock have their own. But what a seed has shown it mostly shows again.)
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

from adapter import Entry, Topic, Unavailable, topic_of
from adapter.redis import RedisAdapter, RedisOptions
from adapter.redis.primaries.reconcile import any_held
from adapter.redis.shard.shard import State
from adapter.redis.shards import shard_of
from tests.adapter.redis.masters import Masters
from tests.adapter.redis.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tests.adapter.redis.proxy import Proxy
    from tests.adapter.redis.servers import Server

TOPICS = [topic_of("app", name) for name in ("presence-a", "presence-b")]
"""Those that all nodes watch all the time."""
FLAPPING = topic_of("app", "c")
"""The one that each node watches now and then."""
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

USERS = ("common", "shared")
"""Those that may be anywhere; each node has one of its own as well."""
STEP = 0.03
"""Mean seconds between two things that a node does."""
SETTLED_WITHIN = 20.0
"""Seconds after the last fault."""
HOLDS_LAPSED_WITHIN = 40.0
"""The same: they don't for as long as a node that was cut off may have clients that come back."""
CONVERGED_WITHIN = 30.0
"""The same, if the server lost its memory: at the latest after the dead-after it is complete again."""
LONGEST_FAULT = 3.0
"""Seconds; a node that was cut off for longer than the dead-after is another story."""


@dataclass(eq=False)
class Visit:
    """A time when a node watched a topic."""

    # The position of the answer to its entry; None if that has not come.
    since: int | None = None
    # How much had been told to the node when it left.
    until: int | None = None


@dataclass
class Actor:
    """One node, its link, what it has asked for, and what came of it."""

    name: str
    adapter: RedisAdapter
    recorder: Recorder = field(default_factory=Recorder)
    # What it holds just now.
    entered: set[tuple[Topic, str]] = field(default_factory=set)
    counts: Counter[Topic] = field(default_factory=Counter)
    # Payloads in the order in which they were published, by topic; and what became of each.
    published: dict[Topic, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    accepted: set[bytes] = field(default_factory=set)
    # Those whose acceptance nobody waited for any more: they may have been asked for again later.
    given_up: set[bytes] = field(default_factory=set)
    # How often it entered and left with its own user, by topic: each is a transition.
    own_changes: Counter[Topic] = field(default_factory=Counter)
    # How often it entered or left with any; and the answers, with whether it has not left since it asked.
    changes: Counter[tuple[Topic, str]] = field(default_factory=Counter)
    entries: list[tuple[Topic, str, Entry, bool]] = field(default_factory=list)
    # The times when it watched the topic that it watches now and then, the last of them now if it has no end.
    visits: list[Visit] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Start, and watch all topics but one."""
        await self.adapter.start(self.recorder)
        for topic in TOPICS:
            self.adapter.watch(topic)
            watch = self.adapter._shards[shard_of(topic)].watches[topic]
            while not watch.is_confirmed:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)

    async def enter_for_good(self) -> None:
        """Enter somebody who stays, everywhere."""
        for topic in TOPICS:
            self.entered.add((topic, self.steady))
            await self.adapter.enter(topic, self.steady)

    @property
    def steady(self) -> str:
        """The user that never leaves."""
        return f"steady-{self.name}"

    def unanswered(self) -> set[bytes]:
        return {payload for some in self.published.values() for payload in some} - self.accepted

    def act(self, rng: random.Random) -> None:
        """Do one thing, anything."""
        topic = rng.choice(TOPICS)
        user = rng.choice((*USERS, self.name))
        kind = rng.random()
        if kind < 0.1:
            self._flap()
        elif kind < 0.2:
            self._publish(FLAPPING, rng)
        elif kind < 0.5:
            for _ in range(rng.choice((1, 1, 1, 5, 20))):
                self._publish(topic, rng)
        elif kind < 0.9:
            for _ in range(rng.choice((1, 1, 2, 3))):
                self._toggle(topic, user, rng)
        else:
            self.counts[topic] = rng.randrange(4)
            self.adapter.count(topic, self.counts[topic])

    def _publish(self, topic: Topic, rng: random.Random) -> None:
        payload = f"{self.name} {len(self.published[topic])} {topic}".encode()
        self.published[topic].append(payload)
        remember = rng.choice((0.0, 0.0, 60.0))
        once = rng.choice(("", payload.decode()))
        self._spawn(self._until_accepted(topic, payload, remember, once))

    async def _until_accepted(self, topic: Topic, payload: bytes, remember: float, once: str) -> None:
        """Publish, and ask again if that is safe."""
        while True:
            try:
                await self.adapter.publish(topic, payload, sender=self.name, remember=remember, once=once)
            except Unavailable:
                self.given_up.add(payload)
                if once:
                    continue
                return
            self.accepted.add(payload)
            return

    def _toggle(self, topic: Topic, user: str, rng: random.Random) -> None:
        key = topic, user
        self.changes[key] += 1
        if user == self.name:
            self.own_changes[topic] += 1
        if key not in self.entered:
            self.entered.add(key)
            entering = self.adapter.enter(topic, user, user.encode())
            self._spawn(self._keep_entry(topic, user, self.changes[key], entering))
        else:
            self.entered.discard(key)
            # A hold of a user that is elsewhere too, so that each change of the own one is one that is told.
            hold = rng.choice((0.0, 0.0, 0.3)) if user in USERS else 0.0
            self.adapter.leave(topic, user, hold=hold)

    def _flap(self) -> None:
        """Begin to watch, or end it."""
        if not self.visits or self.visits[-1].until is not None:
            self.visits.append(visit := Visit())
            self.adapter.watch(FLAPPING)
            self._spawn(self._note_since(visit, self.adapter.enter(FLAPPING)))
        else:
            self.adapter.leave(FLAPPING)
            self.adapter.unwatch(FLAPPING)
            self.visits[-1].until = len(self.recorder.told)

    async def _note_since(self, visit: Visit, entering: Awaitable[object]) -> None:
        entry = await entering
        assert isinstance(entry, Entry), "there is no limit"
        visit.since = entry.position

    async def _keep_entry(self, topic: Topic, user: str, before: int, entering: Awaitable[object]) -> None:
        entry = await entering
        assert isinstance(entry, Entry), "there is no limit"
        self.entries.append((topic, user, entry, self.changes[topic, user] == before))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def until_available(self, read: Callable[[Asked], Awaitable[Answer]], asked: Asked) -> Answer:
        """Read something; the last fault may be noticed only now."""
        async with asyncio.timeout(SETTLED_WITHIN):
            while True:
                try:
                    return await read(asked)
                except Unavailable:
                    continue

    async def wait_settled(self) -> None:
        """Wait until all that was asked is answered, and Redis is in use again."""
        while self.tasks:
            await asyncio.gather(*self.tasks)
        while self.adapter._entries._changed_counts:  # noqa: ASYNC110 - they are told a few times a second
            await asyncio.sleep(0.02)
        for shard in self.adapter._shards:
            while not shard.line.is_idle or shard.state is not State.LIVE or any_held(shard):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


class Schedule:
    """A random life of some nodes.

    :param urls: where each node finds its Redis.
    :param proxies: the nodes' links, to be broken; none, if they go straight there.
    :param server: to be restarted now and then; None for never.
    :param masters: of a Redis Cluster, whose slots are to be moved about.
    """

    def __init__(
        self,
        seed: int,
        urls: Sequence[str],
        *,
        prefix: str,
        proxies: Sequence[Proxy] = (),
        server: Server | None = None,
        masters: Masters | None = None,
    ) -> None:
        self._rng = random.Random(seed)
        self._proxies = proxies
        self.server = server
        self._masters = masters
        # What was not answered when the server lost its memory: it may have been applied, and is so again.
        self.in_flight: set[bytes] = set()
        options = RedisOptions(prefix=prefix, patience=0.5, answer_timeout=1.0, connect_timeout=0.5)
        self.actors = [Actor(f"n{number}", RedisAdapter([url], options)) for number, url in enumerate(urls)]

    async def run(self, seconds: float) -> None:
        """Let everybody act and everything break for so long; then mend it, and wait until all is quiet."""
        for actor in self.actors:
            await actor.start()
        for actor in self.actors:
            await actor.enter_for_good()
        try:
            async with asyncio.timeout(seconds):
                async with asyncio.TaskGroup() as tasks:
                    for actor in self.actors:
                        tasks.create_task(self._keep_acting(actor))
                    for proxy in self._proxies:
                        tasks.create_task(self._keep_breaking(proxy))
                    if self._masters is not None:
                        tasks.create_task(self._keep_moving(self._masters))
                    if self.server is not None:
                        tasks.create_task(self._keep_restarting(self.server))
        except TimeoutError:
            pass
        for proxy in self._proxies:
            proxy.open()
            proxy.flow()
        async with asyncio.timeout(SETTLED_WITHIN if self.server is None else CONVERGED_WITHIN):
            for actor in self.actors:
                await actor.wait_settled()
        if self.server is None:
            await self._wait_same()

    async def _keep_acting(self, actor: Actor) -> None:
        while True:
            await asyncio.sleep(self._rng.expovariate(1 / STEP))
            actor.act(self._rng)

    async def _keep_breaking(self, proxy: Proxy) -> None:
        rng = self._rng
        while True:
            await asyncio.sleep(rng.expovariate(1.0))
            breaks: list[Callable[[], None]] = [
                proxy.cut,
                proxy.close,
                proxy.swallow,
                proxy.swallow_answers,
                lambda: proxy.cut_one(rng),
                lambda: proxy.cut_one(rng),
            ]
            rng.choice(breaks)()
            await asyncio.sleep(rng.choice((0.0, 0.05, 0.5, rng.uniform(0.5, LONGEST_FAULT))))
            proxy.open()
            proxy.flow()

    async def _keep_restarting(self, server: Server) -> None:
        """End the server and start it again, sometimes twice at once: it forgets all, or what came after a snapshot."""
        rng = self._rng
        snapshot = server.folder / "dump.rdb"
        while True:
            snapshot.unlink(missing_ok=True)
            await asyncio.sleep(rng.uniform(1.0, 4.0))
            if rng.random() < 0.5:
                server.command("SAVE")
            await asyncio.sleep(rng.uniform(0.0, 2.0))
            for pause in rng.choice(((0.0,), (1.0,), (0.0, rng.uniform(0.0, 1.0)))):
                await asyncio.sleep(pause)
                self.in_flight |= {payload for actor in self.actors for payload in actor.unanswered()}
                server.kill()
                server.start()

    async def _keep_moving(self, masters: Masters) -> None:
        """Move slots, and break the subscriptions of a master now and then."""
        rng = self._rng
        slots = [masters.slot_of(f"{{s{shard_of(topic)}}}") for topic in (*TOPICS, FLAPPING)]
        while True:
            await asyncio.sleep(rng.expovariate(4.0))
            if rng.random() < 0.2:
                rng.choice(masters.servers).command("CLIENT", "KILL", "TYPE", "pubsub")
            move = rng.choice((Masters.move, Masters.move_at_once))
            # Half a move would stay one.
            slot = rng.choice(slots)
            await asyncio.shield(asyncio.to_thread(move, masters, slot))
            # Masters that disagree drop what one of them has.
            await asyncio.shield(asyncio.to_thread(masters.wait_agreed, slot))

    async def wait_converged(self) -> None:
        """Wait until every node shows those who are there, and holds have lapsed that a snapshot had."""
        try:
            async with asyncio.timeout(HOLDS_LAPSED_WITHIN):
                for topic in TOPICS:
                    for actor in self.actors:
                        while shown(actor, topic) != set(self.truth(topic)):  # noqa: ASYNC110 - nobody tells
                            await asyncio.sleep(0.05)
        except TimeoutError:
            rosters = {topic: [sorted(shown(actor, topic)) for actor in self.actors] for topic in TOPICS}
            raise AssertionError(f"shown {rosters}, true is {[self.truth(topic) for topic in TOPICS]}") from None

    async def _wait_same(self) -> None:
        """Wait until all nodes were told the same, and holds have lapsed: one node may be behind by a moment."""
        try:
            async with asyncio.timeout(HOLDS_LAPSED_WITHIN):
                for topic in TOPICS:
                    while not self._is_same(topic):  # noqa: ASYNC110 - who is held doesn't tell
                        await asyncio.sleep(0.05)
        except TimeoutError:
            rosters = {topic: [sorted(roster_of(changes_of(one, topic))) for one in self.actors] for topic in TOPICS}
            raise AssertionError(f"told {rosters}, true is {[self.truth(topic) for topic in TOPICS]}") from None

    def _is_same(self, topic: Topic) -> bool:
        told = [changes_of(actor, topic) for actor in self.actors]
        return all(one == told[0] for one in told) and sorted(roster_of(told[0])) == self.truth(topic)

    def truth(self, topic: Topic) -> list[str]:
        """Return who is in a topic."""
        return sorted({user for actor in self.actors for where, user in actor.entered if where == topic})


Change = tuple[str, int, object]
"""What, position, who or what."""


def changes_of(actor: Actor, topic: Topic) -> list[Change]:
    """Return all that a node was told about a topic and that has a position."""
    told = [item for item in actor.recorder.told if item[1] == topic and isinstance(item[2], int)]
    return [(str(item[0]), int(str(item[2])), item[3] if len(item) > 3 else None) for item in told]


def roster_of(changes: list[Change], *, until: int | None = None) -> set[str]:
    """Return who is a member after changes up to a position."""
    members: set[str] = set()
    for what, position, who in changes:
        if until is not None and position > until:
            break
        if what == "joined":
            members.add(str(who))
        elif what == "left":
            members.discard(str(who))
    return members


def shown(actor: Actor, topic: Topic) -> set[str]:
    """Return who is a member by all that a node was told, also by what it was told at once after a loss."""
    members: set[str] = set()
    for item in actor.recorder.told:
        if item[1] != topic:
            continue
        match item[0]:
            case "joined":
                members.add(str(item[3]))
            case "left":
                members.discard(str(item[3]))
            case "resynced":
                members = set(cast("list[str]", item[3]))
    return members
