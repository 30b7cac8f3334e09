"""Clients come, go and talk while calls, answers and callbacks are on their way, in every order that may be.

What must hold is in :mod:`tests.server.hub.witness`, for each client by itself, and in :meth:`Races.settle` and
:meth:`Races.teardown`, for all of them together.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from adapter.base import topic_of
from server.protocol import codes, events
from tests.server.hub.stage import Stage
from tests.server.hub.witness import Place, Witness
from tests.server.protocol import wire

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterator, Mapping

    from adapter.base import Topic
    from tests.server.hub.fake_client import FakeClient

T = TypeVar("T")

APP = wire.an_app(subscription_count=True, max_presence_members=3, max_client_events_per_second=10**9)
CHANNELS = ["news", "cache-a", "private-a", "presence-a", "presence-cache-a"]
PRESENCE = [channel for channel in CHANNELS if channel.startswith("presence-")]
USERS = ["a", "b", "c"]
ELSEWHERE = ["x", "y"]
"""Users that are entered as if by another node."""
LONG = 1000.0
"""Seconds after which no hold, and nothing else that ends with time, is left."""

a_number = st.integers(0, 11)
"""Which of those that there are at that moment, counted round and round."""
some = st.integers(1, 3)


class Races(RuleBasedStateMachine):
    """A hub on an adapter whose steps are rules like any other."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stage = Stage(self.loop)
        self.hub, self.adapter = self.stage.hub, self.stage.adapter
        self.loop.run_until_complete(self.stage.start())
        self.channels = CHANNELS
        self.witnesses: list[Witness] = []
        self.closing: list[FakeClient] = []
        self.number = 0

    # Few channels in one run, so that clients meet.
    @initialize(
        channels=st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=2, unique=True), is_lazy=st.booleans()
    )
    def start(self, channels: list[str], is_lazy: bool) -> None:
        self.channels = channels
        self.adapter.is_lazy = is_lazy
        for _ in range(3):
            self.connect()

    # What clients do

    @precondition(lambda self: len(self.witnesses) < 4)
    @rule()
    def connect(self) -> None:
        self.witnesses.append(Witness(self.stage.connect(APP)))

    @precondition(lambda self: self.witnesses)
    @rule(who=a_number, where=a_number, user=st.sampled_from(USERS))
    def subscribe(self, who: int, where: int, user: str) -> None:
        witness, channel = self._witness(who), self._channel(where)
        entered, before = len(self.adapter.enters), len(self.adapter.published[topic_of(APP.id, channel)])
        place = witness.places.get(channel)
        confirmations = place.confirmations if place else 0
        is_presence = channel in PRESENCE
        member = {"user_id": user} if is_presence else None
        self._say(witness, wire.subscribe(channel, socket_id=witness.socket_id, user=member))
        if place is None:
            enter = self.adapter.enters[-1] if len(self.adapter.enters) > entered else None
            witness.places[channel] = Place(channel, user if is_presence else None, enter, before)
            witness.read()
        elif place.is_live:
            witness.read()
            assert place.confirmations == confirmations + 1, "a second subscription is confirmed again, at once"
        assert channel in witness.places

    @precondition(lambda self: self.witnesses)
    @rule(who=a_number, where=a_number)
    def unsubscribe(self, who: int, where: int) -> None:
        witness, channel = self._witness(who), self._channel(where)
        self._say(witness, wire.unsubscribe(channel))
        # What was gathered for it was written before it left.
        witness.read()
        place = witness.places.pop(channel, None)
        assert place is None or place.heard == (place.due if place.is_live else [])

    @precondition(lambda self: self.witnesses)
    @rule(who=a_number, where=a_number, user=st.sampled_from(USERS))
    def come_back(self, who: int, where: int, user: str) -> None:
        self.unsubscribe(who, where)
        self.subscribe(who, where, user)

    @precondition(lambda self: self.witnesses)
    @rule(who=a_number, where=a_number)
    def tell_others(self, who: int, where: int) -> None:
        self.number += 1
        self._say(self._witness(who), wire.client_event(self._channel(where), str(self.number)))

    @precondition(lambda self: self.witnesses)
    @rule(who=a_number, how=st.sampled_from(["cleanly", "uncleanly", "slow", "leaving"]))
    def disconnect(self, who: int, how: str) -> None:
        witness = self._witness(who)
        self.witnesses.remove(witness)
        self.closing.append(witness.client)
        with self._running():
            if how == "slow":
                self.hub.close(witness.client, codes.SLOW_CONSUMER)
            elif how == "leaving":
                self.hub.close(witness.client, codes.SERVER_LEAVING)
            else:
                self.hub.lost(witness.client, code=1000, is_clean=how == "cleanly")
        witness.read()
        witness.check_complete()

    # What the cluster does

    @rule(where=a_number, sender=st.none() | a_number, remember=st.booleans(), is_ours=st.booleans())
    def publish(self, where: int, sender: int | None, remember: bool, is_ours: bool) -> None:
        self.number += 1
        channel = self._channel(where)
        socket_id = self._witness(sender).socket_id if sender is not None and self.witnesses else ""
        payload = events.application_event(channel, "e", str(self.number))
        publish = self.adapter.publish if is_ours else self.adapter.publish_now
        with self._running():
            publish(topic_of(APP.id, channel), payload, sender=socket_id, remember=LONG * remember)

    @precondition(lambda self: self.channels[0] in PRESENCE)
    @rule(user=st.sampled_from(ELSEWHERE), comes=st.booleans())
    def move_elsewhere(self, user: str, comes: bool) -> None:
        topic = topic_of(APP.id, self.channels[0])
        if comes:
            self.adapter.inner.enter(topic, user, limit=APP.max_presence_members)
        else:
            self.adapter.inner.leave(topic, user)

    # What happens on the way

    @precondition(lambda self: any(self.adapter.calls.values()))
    @rule(which=a_number, times=some)
    def perform(self, which: int, times: int = 1) -> None:
        topic, calls = _some_of(self.adapter.calls, which)
        for _ in range(min(times, len(calls))):
            self.adapter.perform(topic)

    @precondition(lambda self: any(self.adapter.callbacks.values()))
    @rule(which=a_number, times=some)
    def call_back(self, which: int, times: int = 1) -> None:
        topic, callbacks = _some_of(self.adapter.callbacks, which)
        for _ in range(min(times, len(callbacks))):
            number = callbacks[0].number
            if number is not None:
                for witness in self.witnesses:
                    witness.expect(topic.partition("/")[2], number, self.adapter.published[topic][number])
            with self._running():
                self.adapter.call_back(topic)

    @precondition(lambda self: self.adapter.answers)
    @rule(which=a_number)
    def answer(self, which: int) -> None:
        self.adapter.answer(which % len(self.adapter.answers))

    @rule()
    def end_tick(self) -> None:
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()

    @rule(seconds=st.sampled_from([1.0, 6.0, 40.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.stage.wait(seconds)

    @rule()
    def settle(self) -> None:
        """Let everything that is on its way arrive; then all that is seen must be true."""
        self._end_ticks()
        while not self.adapter.is_idle:
            while any(self.adapter.calls.values()):
                self.perform(0)
            while any(self.adapter.callbacks.values()):
                self.call_back(0)
            while self.adapter.answers:
                self.answer(0)
            self._end_ticks()
        for witness in self.witnesses:
            witness.read()
            witness.check_complete()
            for place in witness.places.values():
                self._check_truth(witness, place)

    @invariant()
    def nobody_is_told_what_it_must_not_be(self) -> None:
        for witness in self.witnesses:
            witness.read()

    def teardown(self) -> None:
        try:
            # After a failure there would only be more of them, and they would hide the first.
            if sys.exc_info()[0] is None:
                self._end()
        finally:
            self.loop.run_until_complete(self.stage.stop())
            self.loop.close()

    def _end(self) -> None:
        """Let everybody leave; then nothing must be left."""
        self.settle()
        while self.witnesses:
            self.disconnect(0, "uncleanly")
        for client in self.closing:
            self.hub.gone(client)
        self.settle()
        self.let_time_pass(LONG)
        self.settle()
        assert not self.hub.clients
        assert not self.hub.channels
        assert not self.hub.closing
        assert not self.adapter.watched
        left = {user for channel in CHANNELS for user in self._members(channel)}
        assert left <= set(ELSEWHERE), f"ghosts: {left}"
        occupied = self.loop.run_until_complete(self.adapter.occupied_topics(APP.id))
        assert set(occupied) == {channel for channel in PRESENCE if self._members(channel)}
        assert all(occupancy.subscriptions == 0 for occupancy in occupied.values())
        assert self.adapter.admit(APP.id, 1).result(), "a connection is still counted"

    # How

    def _end_ticks(self) -> None:
        """Let answers be noticed, which takes one tick, and what they cause be written, which takes another."""
        for _ in range(3):
            self.end_tick()

    def _witness(self, which: int) -> Witness:
        return self.witnesses[which % len(self.witnesses)]

    def _channel(self, which: int) -> str:
        return self.channels[which % len(self.channels)]

    def _members(self, channel: str) -> list[str]:
        return self.loop.run_until_complete(self.adapter.members(topic_of(APP.id, channel)))

    def _say(self, witness: Witness, raw: bytes) -> None:
        with self._running():
            self.stage.say(witness.client, raw)

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Be inside the event loop without letting it go on: a tick ends when the rule for it says so."""
        asyncio._set_running_loop(self.loop)
        try:
            yield
        finally:
            asyncio._set_running_loop(None)

    def _check_truth(self, witness: Witness, place: Place) -> None:
        assert place.is_live, "every subscription is answered"
        published = self.adapter.published[topic_of(APP.id, place.channel)]
        promised = [
            message.payload
            for number, message in enumerate(published)
            if place.is_after(number) and message.sender != witness.socket_id
        ]
        assert place.heard[len(place.heard) - len(promised) :] == promised, "lost while subscribed"
        if place.user is not None:
            assert place.roster == set(self._members(place.channel))
        elif place.count is not None:
            others = [place.channel in other.places for other in self.witnesses]
            assert place.count == sum(others)


def _some_of(lines: Mapping[Topic, deque[T]], which: int) -> tuple[Topic, deque[T]]:
    """Return one of the lines that aren't empty."""
    waiting = [(topic, line) for topic, line in lines.items() if line]
    return waiting[which % len(waiting)]


TestRaces = Races.TestCase
TestRaces.settings = settings(max_examples=300, stateful_step_count=60)
