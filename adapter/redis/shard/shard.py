"""One shard, as this node sees it: its writes on their way, what has been seen, what the node claims in it.

    AWAY ──repaired──▶ LIVE ──link broken, server changed, declared dead──▶ AWAY
      └──▶ SETTLING ─────▲

While it is SETTLING (Redis lost its memory) messages flow, but entering and leaving wait until all nodes are back.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from adapter.redis.errors import Refusal
from adapter.redis.shard.answers import read_entry
from adapter.redis.shard.envelope import Kind
from adapter.redis.shard.intake import Intake
from adapter.redis.shard.numbering import Line
from adapter.redis.shard.writes import OWN_CLAIMS, Writes

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapter.base import Receiver
    from adapter.redis.keys import ShardKeys
    from adapter.redis.link.link import Link
    from adapter.redis.scripts import Scripts
    from adapter.redis.shard.numbering import Answer, Write
    from adapter.redis.shard.watch import Watch
    from adapter.redis.stats import Stats

logger = logging.getLogger(__name__)

APPLIED, STALE, FENCED, HOLE = 1, 0, -1, -2
PAUSE = 0.1
"""Seconds before a refused write is sent again."""
OTHERS_RETURN = 2.0
"""Seconds in which other nodes enter again what Redis has lost: what it holds until then would show theirs as gone."""

Item = tuple["Watch", int, Any, Any, int]
"""What arrived: for whom, kind, both fields, position."""


class State(Enum):
    AWAY = "away"
    SETTLING = "settling"
    LIVE = "live"


@dataclass(slots=True)
class Claim:
    """An entry of this node."""

    info: bytes
    write: Write
    """The one that makes it, the last if there were several."""
    is_made: bool = False
    """Whether Redis has ever said that it was made."""


class Shard:
    """What this node knows of a shard.

    :param on_broken: asked to repair it, with the reason.
    :param on_fenced: told that this node was declared dead.
    """

    def __init__(
        self,
        number: int,
        keys: ShardKeys,
        *,
        stats: Stats,
        on_broken: Callable[[Shard, str], None],
        on_fenced: Callable[[str], None],
    ) -> None:
        self.number = number
        self.keys = keys
        self.writes = Writes(keys)
        self.stats = stats
        self._on_broken = on_broken
        self._on_fenced = on_fenced
        self.state = State.AWAY
        self.line = Line()
        self.intake: Intake[Item] = Intake()
        self.receiver: Receiver | None = None
        self.watches: dict[str, Watch] = {}
        # What this node has entered, by topic and who, and its numbers of subscriptions, with whether they are told to
        # all: as it is to be, whether Redis knows it yet or not.
        self.claims: dict[tuple[str, str], Claim] = {}
        self.counts: dict[str, tuple[int, bool]] = {}
        # Positions of other epochs may be lower; this is added, so that those told to the receiver always ascend.
        self.base = 0
        # The highest of those, in messages and in answers.
        self.told = 0
        # What a repair has still to make good: messages that are missing, claims that Redis has forgotten.
        self.has_gap = False
        self.has_lost_claims = False
        # Whether Redis has gone back to an earlier state; and whether others are being waited for because of that.
        self.has_gone_back = False
        self._awaits_others = False
        self.epoch = ""
        # Earlier epochs, and the position up to which all of them is known here.
        self.past: dict[str, int] = {}
        self.replid = ""
        self.boot = ""
        # Whether Redis knows this boot in this shard; whether it was asked to, and the answer has not come.
        self.is_enrolled = False
        self.awaits_standing = False
        self.link: Link | None = None
        self._scripts: Scripts | None = None
        # Set when all writes are answered, if somebody waits for that.
        self._idle: asyncio.Event | None = None
        # When it could be used again after it couldn't, by the loop's clock; never before.
        self.returned_at = -math.inf
        self._was_in_use = False
        # Counts the times of having a link: an answer from an earlier one comes too late.
        self._turn = 0
        # Answers to entries, to be given once live.
        self._waiting: list[Callable[[], None]] = []

    # Writes

    def submit(self, write: Write) -> None:
        """Have a write applied once, after all that were submitted before it."""
        if self.line.add(write):
            self._send(write)

    def pump(self) -> None:
        """Send what can be sent."""
        for write in self.line.to_send():
            self._send(write)

    def _send(self, write: Write) -> None:
        assert self.link is not None, "an open line has a link"
        self.link.send(self._answered, (self._turn, write), self.command(write))

    def command(self, write: Write, number: int | None = None) -> tuple[bytes | str | int, ...]:
        """Return the command for a write; `number` is -1 for one that is guarded by something else."""
        assert self._scripts is not None, "an open line has scripts"
        keys = write.keys
        if keys and keys[0] == OWN_CLAIMS:
            keys = (self.keys.claims(self.boot), *keys[1:])
        return (
            b"EVALSHA",
            self._scripts.digests[write.script],
            3 + len(keys),
            self.keys.meta,
            self.keys.journal,
            self._writes_key,
            *keys,
            self.epoch,
            write.number if number is None else number,
            write.topic,
            write.channel,
            *write.arguments,
        )

    def _answered(self, sent: tuple[int, Write], reply: Any) -> None:
        turn, write = sent
        if turn != self._turn:
            # On Redis Cluster the shard may have moved away while its link goes on for others.
            return
        line = self.line
        if isinstance(reply, Refusal):
            line.refused()
            self._refused(reply)
        elif reply[0] == APPLIED:
            if line.applied(write):
                finish(write, reply)
        else:
            line.refused()
            if reply[0] == STALE:
                self.break_off("the server has changed")
            elif reply[0] == FENCED:
                self._on_fenced(self.boot)
                self.break_off("this node was declared dead")
        if not line.is_idle:
            self.pump()
        elif self._idle is not None:
            self._idle.set()

    def _refused(self, refusal: Refusal) -> None:
        """Stop sending for a moment; where the server is at fault, until it was repaired."""
        self.stats.refused(refusal)
        if refusal.code in {"NOSCRIPT", "READONLY", "MOVED", "LOADING", "MASTERDOWN"}:
            self.break_off(str(refusal))
        elif self.line.is_open:
            # There is one line for all of them: see checkup.py.
            logger.debug("shard %d: refused, trying again: %s", self.number, refusal)
            self.line.is_open = False
            asyncio.get_running_loop().call_later(PAUSE * random.uniform(1.0, 2.0), self._go_on, self.link)

    def _go_on(self, link: Link | None) -> None:
        if self.link is link and self.state is not State.AWAY:
            self.line.is_open = True
            self.pump()

    def break_off(self, why: str) -> None:
        """Stop, and ask for a repair."""
        if self.state is not State.AWAY:
            self.state = State.AWAY
            self.line.is_open = False
            self.intake.keep_aside()
            self._on_broken(self, why)

    async def wait_idle(self) -> None:
        """Wait until all writes are answered."""
        self._idle = asyncio.Event()
        if not self.line.is_idle:
            await self._idle.wait()

    # The link

    def attach(self, link: Link, scripts: Scripts, replid: str) -> None:
        """Use a new link, once the shard was repaired over it."""
        self.link, self._scripts, self.replid = link, scripts, replid

    def detach(self) -> None:
        """Note that the link is gone, or is another's now: no answer comes any more."""
        self.state = State.AWAY
        self._turn += 1
        self.has_gone_back |= self._awaits_others
        self._awaits_others = False
        for watch in self.watches.values():
            watch.is_looked_at = False
        self.line.lost()
        self.intake.keep_aside()
        self.link = None

    def begin_boot(self, boot: str) -> None:
        """Write under another boot from now on."""
        self.boot = boot
        self.is_enrolled = False
        self._writes_key = self.keys.writes(boot)

    def resume(self, *, settling: bool) -> None:
        """Go on: deliver what was kept aside, then send what waits."""
        self.state = State.SETTLING if settling else State.LIVE
        if self._was_in_use:
            self.returned_at = asyncio.get_running_loop().time()
        self._was_in_use = True
        # Where it settles the others are waited for anyway.
        has_gone_back, self.has_gone_back = self.has_gone_back, False
        for _, item in self.intake.resume():
            self.deliver(*item)
        self.line.is_open, self.line.is_settling = True, settling
        self.pump()
        if not settling:
            if has_gone_back:
                self._awaits_others = True
                asyncio.get_running_loop().call_later(OTHERS_RETURN, self._others_are_back, self._turn)
            self._look_at_stale()
            waiting, self._waiting = self._waiting, []
            for answer in waiting:
                answer()

    def when_live(self, answer: Callable[[], None]) -> None:
        """Call `answer` as soon as everything that came before is known."""
        if self.state is State.LIVE:
            answer()
        else:
            self._waiting.append(answer)

    # What arrives

    def arrived(self, watch: Watch, position: int, kind: int, first: Any, second: Any, size: int) -> None:
        """Take in what came over the subscription."""
        if self.intake.arrived(position, (watch, kind, first, second, position), size):
            self.deliver(watch, kind, first, second, position)

    def deliver(self, watch: Watch, kind: int, first: Any, second: Any, position: int) -> None:
        """Tell the receiver."""
        if not watch.is_wanted or self.receiver is None:
            return
        self.told = max(self.told, self.base + position)
        if kind == Kind.MESSAGE:
            self.receiver.message(watch.topic, self.base + position, second, first)
        elif kind == Kind.TERMINATED:
            self.receiver.terminated(watch.topic, first)
        elif self.base + position <= watch.reread_at:
            return
        else:
            watch.changed_at = self.base + position
            # What is to be read again is told as a whole: a change by itself may be of a roster that isn't complete.
            if not watch.is_stale or kind == Kind.LOOK:
                self._deliver_change(watch, kind, first, second, watch.changed_at)

    def _deliver_change(self, watch: Watch, kind: int, first: Any, second: Any, position: int) -> None:
        receiver = self.receiver
        assert receiver is not None, "whoever calls has looked"
        match kind:
            case Kind.JOINED:
                receiver.joined(watch.topic, position, first, second)
            case Kind.LEFT:
                receiver.left(watch.topic, position, first)
            case Kind.OCCUPIED:
                receiver.occupied(watch.topic, position)
            case Kind.VACATED:
                receiver.vacated(watch.topic, position)
            case Kind.COUNTED:
                receiver.counted(watch.topic, first)
            case Kind.LOOK:
                watch.is_stale = True
                if self.state is State.LIVE:
                    self._look_at(watch)

    # Reading again

    def distrust(self) -> None:
        """Have all topics read again, as soon as the shard is live: something was missed, or not told."""
        for watch in self.watches.values():
            watch.is_stale = True

    def _others_are_back(self, turn: int) -> None:
        if turn == self._turn:
            self._awaits_others = False
            if self.state is State.LIVE:
                self._look_at_stale()

    def _look_at_stale(self) -> None:
        for watch in self.watches.values():
            if watch.is_stale:
                self._look_at(watch)

    def _look_at(self, watch: Watch) -> None:
        """Read a topic again, and tell the receiver how it stands. Until that is done the topic stays stale."""
        if self._awaits_others or watch.is_looked_at:
            return
        if self.link is None or self._scripts is None or self.link.wire.lost.done():
            return
        watch.is_looked_at = True
        keys = self.keys
        names = keys.meta, keys.state(watch.topic), keys.roster(watch.topic), keys.remembered(watch.topic)
        self.link.send(self._looked, (self._turn, watch), (b"EVALSHA", self._scripts.digests["look"], 4, *names))

    def _looked(self, sent: tuple[int, Watch], reply: Any) -> None:
        turn, watch = sent
        if turn != self._turn:
            return
        watch.is_looked_at = False
        if isinstance(reply, Refusal):
            self.break_off(str(reply))
            return
        epoch, *fields = reply
        if not watch.is_wanted or self.receiver is None or (epoch or b"").decode() != self.epoch:
            return
        entry, subscriptions, is_occupied = read_entry(fields, self.base)
        if watch.changed_at > entry.position:
            # Later changes were told already: this is old.
            self._look_at(watch)
            return
        watch.is_stale = False
        watch.reread_at = entry.position
        self.told = max(self.told, entry.position)
        self.receiver.resynced(watch.topic, entry, occupied=is_occupied)
        self.receiver.counted(watch.topic, subscriptions)

    def writes_for_claims(self, told: str) -> list[Write]:
        """Return what makes again all that this node claims; `told` is what scripts/enter.lua wants.

        What has never been made yet isn't among it: its own write does that, and tells of it.
        """
        entries = [
            self.writes.enter(topic, who, claim.info, told=told)
            for (topic, who), claim in self.claims.items()
            if claim.is_made
        ]
        counts = [
            self.writes.count(topic, count, announce=announce, is_news=told == "news")
            for topic, (count, announce) in self.counts.items()
        ]
        for write in counts:
            write.is_patient = told == "news"
        return entries + counts


def finish(write: Write, answer: Answer) -> None:
    """Tell whoever waits that a write was applied."""
    if write.future is not None and not write.future.done():
        write.future.set_result(None)
    if write.on_applied is not None:
        write.on_applied(answer)
