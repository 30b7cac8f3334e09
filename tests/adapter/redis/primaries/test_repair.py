"""Bringing a shard up to date, with a server that is told what to answer: what breaks in the middle of it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import msgpack
import pytest

from adapter.redis.errors import LinkLost
from adapter.redis.keys import claim_of, count_claim
from adapter.redis.primaries.repair import Enrolment, repair
from adapter.redis.scripts import Scripts
from adapter.redis.shard.envelope import VERSION, Kind, read
from adapter.redis.shard.intake import MOST_KEPT
from adapter.redis.shard.shard import Claim, Shard
from adapter.redis.shard.watch import Watch
from tests.adapter.redis.recorder import Recorder
from tests.adapter.redis.shard.test_shard import TOPIC, RecordingLink, a_shard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapter.redis.link.link import Link

SCRIPTS = Scripts(sharded=False)
OLD, NEW = "1.000000", "2.000000"


class ToldLink(RecordingLink):
    """A server with a journal, and answers to enrolments that the test has chosen."""

    def __init__(
        self, *, standings: list[list[Any] | None], journal: Mapping[int, bytes | tuple[Kind, str | None]] | None = None
    ) -> None:
        super().__init__()
        self.standings = deque(standings)
        self.journal = journal or {}
        # What Redis has of this node.
        self.claims: list[bytes] = []
        # Called when commands to end connections are read.
        self.on_commands: Callable[[], None] = lambda: None

    async def ask(self, *command: bytes | str | int) -> Any:
        match command[0]:
            case "XRANGE":
                first, last = (int(str(bound).partition("-")[0]) for bound in command[2:4])
                return [
                    (b"%d-0" % position, (b"t", TOPIC.encode(), b"b", envelope(position, what)))
                    for position, what in self.journal.items()
                    if first <= position <= last
                ]
            case "HKEYS":
                return self.claims
            case "ZRANGE":
                self.on_commands()
                return []
        assert command[1] == SCRIPTS.digests["register"]
        standing = self.standings.popleft()
        if standing is None:
            raise LinkLost("the answer is lost")
        return standing


def envelope(position: int, what: bytes | tuple[Kind, str | None]) -> bytes:
    """Return the envelope of a payload, or of a kind with its user."""
    kind, first, second = (Kind.MESSAGE, "", what) if isinstance(what, bytes) else (*what, None)
    packed: bytes = msgpack.packb((VERSION, position, int(kind), first, second))
    assert read(packed)[0] == position
    return packed


def standing(epoch: str, position: int, *, noted: str = "", stored: str = "0") -> list[Any]:
    return [epoch.encode(), b"%d" % position, noted.encode(), stored.encode(), 0, b"replid"]


def a_known_shard(*, seen: int) -> tuple[Shard, Watch]:
    """Return a shard that is away, after it was in use."""
    shard = a_shard()
    watch = shard.watches[TOPIC] = Watch(TOPIC, shard)
    shard.is_enrolled = True
    shard.attach(cast("Link", RecordingLink()), SCRIPTS, "replid")
    shard.intake.skip_to(seen)
    shard.told = seen
    shard.resume(settling=False)
    shard.break_off("test")
    return shard, watch


async def mend(shard: Shard, link: ToldLink) -> None:
    shard.attach(cast("Link", link), SCRIPTS, "replid")
    await repair(shard, Enrolment("boot", (), cast("Link", link), SCRIPTS))


def recorder(shard: Shard) -> Recorder:
    assert isinstance(shard.receiver, Recorder)
    return shard.receiver


def told(shard: Shard) -> list[tuple[object, object]]:
    return [(item[2], item[3]) for item in recorder(shard).of("message")]


async def test_what_the_old_server_said_last_is_not_taken_for_the_new_ones() -> None:
    shard, watch = a_known_shard(seen=100)
    # The old primary goes on for a moment after it isn't used any more; the new one never gets that.
    for position in range(101, 106):
        shard.arrived(watch, position, Kind.MESSAGE, "", b"lost", 10)
    shard.detach()
    link = ToldLink(standings=[standing(NEW, 102, noted=f"{OLD}=100")], journal={101: b"a", 102: b"b"})
    await mend(shard, link)
    shard.arrived(watch, 103, Kind.MESSAGE, "", b"c", 10)
    assert told(shard) == [(101, b"a"), (102, b"b"), (103, b"c")]
    assert shard.stats.gaps == 0


async def test_a_server_that_goes_back_twice_to_the_same_moment_repeats_nothing() -> None:
    """It knows nothing of the life between, in which it had gone on from there too."""
    shard, watch = a_known_shard(seen=100)
    await mend(
        shard, ToldLink(standings=[standing(NEW, 101, noted=f"{OLD}=98")], journal={99: b"a", 100: b"b", 101: b"c"})
    )
    shard.arrived(watch, 102, Kind.MESSAGE, "", b"d", 10)
    shard.detach()
    journal = {97: b"old", 98: b"old", 99: b"e", 100: b"f"}
    await mend(shard, ToldLink(standings=[standing("3.000000", 100, noted=f"{OLD}=98")], journal=journal))
    assert [payload for _, payload in told(shard)] == [b"a", b"b", b"c", b"d", b"e", b"f"]
    assert shard.stats.gaps == 2


async def test_what_was_before_a_node_began_is_no_news_to_it_where_a_server_goes_back_there() -> None:
    shard, _ = a_known_shard(seen=0)
    shard.epoch = ""
    await mend(shard, ToldLink(standings=[standing(NEW, 105, noted=f"{OLD}=98")]))
    shard.detach()
    journal = {98: b"old", 99: b"new"}
    await mend(shard, ToldLink(standings=[standing("3.000000", 99, noted=f"{OLD}=98")], journal=journal))
    assert [payload for _, payload in told(shard)] == [b"new"]


async def test_an_answer_that_was_ahead_of_the_messages_is_known_to_be_lost() -> None:
    shard, watch = a_known_shard(seen=100)
    # Somebody was answered at a position that the new primary has given to another message.
    shard.told = 105
    link = ToldLink(
        standings=[standing(NEW, 104, noted=f"{OLD}=103")], journal={101: b"a", 102: b"b", 103: b"c", 104: b"d"}
    )
    await mend(shard, link)
    shard.arrived(watch, 105, Kind.MESSAGE, "", b"e", 10)
    assert [payload for _, payload in told(shard)] == [b"a", b"b", b"c", b"d", b"e"]
    assert all(int(str(position)) > 105 for position, _ in told(shard))
    assert shard.stats.gaps == 1


async def test_claims_are_entered_again_though_the_answer_that_told_of_their_loss_was_lost() -> None:
    shard, _ = a_known_shard(seen=10)
    shard.line.given = shard.line.acknowledged = 7
    shard.claims[TOPIC, "=u"] = Claim(b"{}", shard.writes.enter(TOPIC, "=u", b"{}"), is_made=True)
    link = ToldLink(standings=[None])
    with pytest.raises(LinkLost):
        await mend(shard, link)
    shard.detach()
    # The server has taken over the number meanwhile.
    link = ToldLink(standings=[standing(NEW, 10, noted=f"{OLD}=10", stored="7")])
    await mend(shard, link)
    assert [context[1].script for _, context in link.sent] == ["enter"]


async def test_an_entry_that_was_never_made_is_not_made_quietly() -> None:
    shard, _ = a_known_shard(seen=10)
    shard.line.given = shard.line.acknowledged = 7
    new = shard.writes.enter(TOPIC, "=new", b"{}")
    shard.claims[TOPIC, "=new"] = Claim(b"{}", new)
    shard.submit(new)
    link = ToldLink(standings=[standing(NEW, 10, noted=f"{OLD}=10", stored="3")])
    await mend(shard, link)
    assert [context[1] for _, context in link.sent] == [new], "its own write tells everybody of it"


async def test_too_much_may_arrive_while_commands_are_read_again() -> None:
    shard, watch = a_known_shard(seen=10)
    link = ToldLink(
        standings=[standing(OLD, 20, stored="0"), standing(OLD, 21, stored="0")], journal={20: b"a", 21: b"b"}
    )

    def flood() -> None:
        if not shard.intake.has_overflowed and len(link.standings) == 1:
            shard.arrived(watch, 21, Kind.MESSAGE, "", b"b", MOST_KEPT + 1)

    link.on_commands = flood
    await mend(shard, link)
    assert told(shard) == [(21, b"b")]
    assert shard.stats.gaps == 1


async def test_what_others_enter_again_is_waited_for_before_members_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody left another node before this one was back, which has that user too: for its clients nobody is gone."""
    monkeypatch.setattr("adapter.redis.shard.shard.OTHERS_RETURN", 0.0)
    shard, watch = a_known_shard(seen=10)
    came_and_went = [(Kind.OCCUPIED, None), (Kind.JOINED, "u"), (Kind.LEFT, "u"), (Kind.VACATED, None)]
    journal: dict[int, bytes | tuple[Kind, str | None]] = dict(enumerate(came_and_went, 1))
    journal[5] = b"payload"
    link = ToldLink(standings=[standing(NEW, 5)], journal=journal)
    await mend(shard, link)
    shard.arrived(watch, 6, Kind.LOOK, None, None, 10)
    shard.arrived(watch, 7, Kind.JOINED, "v", b"{}", 10)
    assert link.sent == []
    assert [item[0] for item in recorder(shard).told] == ["message"]
    async with asyncio.timeout(20):
        while not link.sent:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)
    # How the topic stands by then; the second answer has the last change, too.
    roster = [b"u", b"{}", b"v", b"{}"]
    for position, members in ((b"6", roster[:2]), (b"7", roster)):
        link.answer([NEW.encode(), position, 0, position, b"0", b"0", members, None, -2, 1])
    assert recorder(shard).of("resynced") == [("resynced", TOPIC, None, ["u", "v"], True)]
    shard.arrived(watch, 8, Kind.LEFT, "v", None, 10)
    assert recorder(shard).told[-1][0::3] == ("left", "v")


async def test_what_redis_has_forgotten_to_take_back_is_taken_back_unless_it_is_about_to_be() -> None:
    shard, _ = a_known_shard(seen=10)
    shard.line.given = shard.line.acknowledged = 7
    shard.claims[TOPIC, "=u"] = Claim(b"{}", shard.writes.enter(TOPIC, "=u", b"{}"), is_made=True)
    shard.submit(pending := shard.writes.leave(TOPIC, "=held", 30_000))
    link = ToldLink(standings=[standing(NEW, 10, noted=f"{OLD}=10", stored="3")])
    entries = ((TOPIC, "=u"), (TOPIC, "=left"), (TOPIC, "=held"))
    link.claims = [claim_of(*entry).encode() for entry in entries] + [count_claim(TOPIC).encode()]
    await mend(shard, link)
    sent = [context[1] for _, context in link.sent]
    assert [(write.script, write.arguments[1]) for write in sent[:-1]] == [
        ("enter", "=u"),
        ("leave", "=left"),
        ("count", 0),
    ]
    assert sent[-1] is pending
