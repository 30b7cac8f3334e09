"""How a shard is brought up to date after its link broke, or after the server behind it has changed.

1. The subscription stands again; what it brings is kept aside from here on.
2. One script enrols this node and tells where the shard stands: its epoch and its position.
3. The journal is read from what was seen to there, and delivered. It must continue what was seen without a hole, in
   the same epoch or in one that is noted to have gone on from there. Otherwise there is a *gap*: it is counted and
   logged, and all topics are read again, so that their clients are told the difference.
4. What was kept aside is delivered as far as it is news: the shard is live.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapter.redis.primaries.reconcile import surplus
from adapter.redis.shard.envelope import Unreadable, read
from adapter.redis.shard.shard import State, finish

if TYPE_CHECKING:
    from adapter.redis.link.link import Link
    from adapter.redis.scripts import Scripts
    from adapter.redis.shard.shard import Shard

logger = logging.getLogger(__name__)

STEP = 256
"""Entries of the journal read at once."""
NOTED = 4
"""Earlier epochs that scripts/register.lua keeps."""
REMEMBERED = 16
"""Earlier epochs that a node keeps."""
BURST = 256 * 1024
"""Bytes delivered from the journal before others, and the sockets, get a turn of PACE seconds."""
PACE = 0.01


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a shard stands, as scripts/register.lua tells it."""

    epoch: str
    position: int
    noted: dict[str, int]
    """Earlier epochs, with their last positions."""
    stored: str
    """The number of this boot's last write; empty if there is none, with an x in front if it was declared dead."""
    is_second: bool
    """Whether an answer before this one was lost: what it told of `stored` is true no more, by its own doing."""
    is_settling: bool
    replid: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """With what a node enrols in shards."""

    boot: str
    peers: tuple[str, ...]
    link: Link
    scripts: Scripts

    async def register(self, shard: Shard, *, is_new: bool) -> Standing:
        keys = shard.keys
        is_second, shard.awaits_standing = shard.awaits_standing, True
        answer = await self.link.ask(
            b"EVALSHA",
            self.scripts.digests["register"],
            3,
            keys.meta,
            keys.writes(self.boot),
            keys.awaited,
            self.boot,
            shard.epoch,
            shard.line.acknowledged,
            int(is_new),
            *(peer for peer in self.peers if peer != self.boot),
        )
        shard.awaits_standing = False
        return _read_standing(answer, is_second=is_second)

    async def fence(self, shard: Shard, boot: str) -> int:
        return int(
            await self.link.ask(b"EVALSHA", self.scripts.digests["fence"], 1, shard.keys.writes(boot), FENCE_SECONDS)
        )


FENCE_SECONDS = 3600
"""For which a boot that was declared dead is told so."""


def _read_standing(answer: list[Any], *, is_second: bool) -> Standing:
    epoch, position, noted, stored, is_settling, replid = answer
    pairs = (pair.split("=") for pair in noted.decode().split())
    return Standing(
        epoch=epoch.decode(),
        position=int(position),
        noted={old: int(last) for old, last in pairs},
        stored=stored.decode(),
        is_second=is_second,
        is_settling=bool(is_settling),
        replid=replid.decode(),
    )


class Fenced(Exception):
    """This boot was declared dead."""


async def repair(shard: Shard, enrolment: Enrolment) -> None:
    """Bring a shard up to date; its topics are subscribed to already.

    :raises LinkLost: if the link breaks; nothing is lost by that.
    :raises Fenced: if this boot was declared dead.
    """
    await _begin_boot(shard, enrolment)
    while True:
        standing = await _enrol(shard, enrolment)
        if not await _read_journal(shard, enrolment.link, standing.position):
            _note_gap(shard)
            shard.intake.skip_to(standing.position)
        if shard.has_gap:
            await _reread_commands(shard, enrolment.link)
        if not shard.intake.has_overflowed:
            break
    left_over = await _read_left_over(shard, enrolment.link) if shard.has_lost_claims else []
    _resume(shard, left_over, is_settling=standing.is_settling)


async def _enrol(shard: Shard, enrolment: Enrolment) -> Standing:
    """Have Redis know this boot, and learn where the shard stands: up to there the journal has everything."""
    shard.intake.keep_aside()
    is_new = not shard.is_enrolled
    standing = await enrolment.register(shard, is_new=is_new)
    if _is_fenced(shard, standing, is_new=is_new):
        raise Fenced
    shard.is_enrolled = True
    _take_note(shard, standing, is_new=is_new)
    return standing


async def _begin_boot(shard: Shard, enrolment: Enrolment) -> None:
    """Number writes anew if the boot is another one."""
    if shard.boot == enrolment.boot:
        return
    if shard.boot:
        # The old boot's writes may still be on their way somewhere: from here on they are refused.
        applied = await enrolment.fence(shard, shard.boot)
        for write in shard.line.begin_again(shard.line.acknowledged if applied < 0 else applied):
            finish(write, [])
        shard.line.add_first(shard.writes_for_claims("news"))
    shard.begin_boot(enrolment.boot)


def _is_fenced(shard: Shard, standing: Standing, *, is_new: bool) -> bool:
    if standing.stored.startswith("x"):
        return True
    return not is_new and not standing.stored and shard.epoch == standing.epoch


def _take_note(shard: Shard, standing: Standing, *, is_new: bool) -> None:
    """Keep what Redis has told once: if the link breaks now, it won't tell again what it has lost."""
    if not is_new and shard.epoch != standing.epoch:
        is_behind = not standing.stored or int(standing.stored) < shard.line.acknowledged
        shard.has_lost_claims |= is_behind or standing.is_second
    parting = _parting(shard, standing)
    _remember_epochs(shard, standing)
    if shard.epoch and shard.epoch != standing.epoch and standing.noted.get(shard.epoch, -1) < _known(shard):
        # What is known here is not what the shard holds. Positions begin anew: all that come are above all that the
        # receiver was told or answered.
        _note_gap(shard)
        shard.has_gone_back = True
        shard.base = shard.told + 1
        shard.intake.skip_to(parting)
    if not shard.epoch or not shard.watches:
        shard.has_gap = False
        shard.intake.skip_to(standing.position)
    shard.epoch, shard.replid = standing.epoch, standing.replid


def _remember_epochs(shard: Shard, standing: Standing) -> None:
    """Keep up to where the epochs before this one are known: Redis may go back to one of them, more than once."""
    if shard.epoch != standing.epoch:
        ended = {**standing.noted, shard.epoch: shard.intake.seen}
        for epoch, last in ended.items():
            shard.past[epoch] = max(last, shard.past.pop(epoch, 0))
        for epoch in list(shard.past)[:-REMEMBERED]:
            del shard.past[epoch]


def _note_gap(shard: Shard) -> None:
    shard.has_gap = True
    shard.distrust()


def _known(shard: Shard) -> int:
    """Return the highest position that this node has heard of: an answer may be ahead of the messages before it."""
    return max(shard.intake.seen, shard.told - shard.base)


def _parting(shard: Shard, standing: Standing) -> int:
    """Return the position up to which the shard's past is the one that is known here; all above it is news."""
    seen = shard.intake.seen
    known = {**shard.past, shard.epoch: seen}
    # The latest first.
    for epoch, last in standing.noted.items():
        if epoch in known:
            return min(seen, known[epoch], last)
    # Fewer than are kept, so it is all of them back to the beginning: the memory began anew after that epoch.
    return 0 if len(standing.noted) < NOTED else standing.position


async def _read_journal(shard: Shard, link: Link, end: int) -> bool:
    """Deliver what the journal has up to `end`; tell whether nothing is missing. Without interest nothing is read."""
    intake = shard.intake
    delivered = 0
    while shard.watches and intake.seen < end:
        entries = await link.ask("XRANGE", shard.keys.journal, f"{intake.seen + 1}-0", f"{end}-0", "COUNT", STEP)
        for entry_id, (_, topic, _, data) in entries:
            if not intake.read(int(entry_id.partition(b"-")[0])):
                return False
            delivered += _deliver(shard, topic, data)
            shard.stats.replayed += 1
        if not entries:
            return False
        if delivered > BURST:
            delivered = 0
            await asyncio.sleep(PACE)
    if intake.seen < end:
        intake.skip_to(end)
    return True


def _deliver(shard: Shard, topic: bytes, data: bytes) -> int:
    watch = shard.watches.get(topic.decode())
    if watch is None:
        return 0
    try:
        position, kind, first, second = read(data)
    except Unreadable:
        shard.stats.unreadable += 1
        return 0
    shard.deliver(watch, kind, first, second, position)
    return len(data)


async def _read_left_over(shard: Shard, link: Link) -> list[str]:
    """Return claims that Redis has, and which no write in line is about: it may have lost that they were given up."""
    found = [claim.decode() for claim in await link.ask("HKEYS", shard.keys.claims(shard.boot))]
    pending = {write.claim for write in (*shard.line.unanswered, *shard.line.waiting)}
    return [claim for claim in found if claim not in pending]


def _resume(shard: Shard, left_over: list[str], *, is_settling: bool) -> None:
    if shard.has_lost_claims:
        shard.has_lost_claims = False
        shard.line.add_first([*shard.writes_for_claims("look"), *surplus(shard, left_over)])
    if shard.has_gap:
        shard.has_gap = False
        shard.stats.gaps += 1
        logger.warning(
            "shard %d: messages are missing, topics that are read again: %d", shard.number, len(shard.watches)
        )
    if is_settling:
        # What it holds so far is not the truth: that is read once it is complete.
        shard.distrust()
    shard.stats.repairs += 1
    shard.resume(settling=is_settling)


async def settle(shard: Shard, enrolment: Enrolment) -> None:
    """Look whether a settling shard has settled; if so, tell the receiver how its topics stand, and go on."""
    standing = await enrolment.register(shard, is_new=False)
    if shard.state is not State.SETTLING:
        return
    if standing.epoch != shard.epoch or standing.stored.startswith("x"):
        # That is for the repair to judge, which is told less.
        shard.awaits_standing = True
        shard.break_off("the server has changed")
    elif not standing.is_settling:
        shard.intake.keep_aside()
        shard.resume(settling=False)


async def _reread_commands(shard: Shard, link: Link) -> None:
    """Carry out the commands to end connections that may have been missed; a second time does no harm."""
    pairs = iter(await link.ask("ZRANGE", shard.keys.commands, 0, -1, "WITHSCORES"))
    for topic, at in zip(pairs, pairs, strict=True):
        watch = shard.watches.get(topic.decode())
        if watch is not None and watch.is_wanted and shard.receiver is not None:
            shard.receiver.terminated(watch.topic, float(at))
