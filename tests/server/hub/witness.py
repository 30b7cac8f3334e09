"""What one client sees of its channels, held against what it was promised."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from adapter.base import Entry, Full
from server.protocol import events
from server.protocol.names import parse_channel

if TYPE_CHECKING:
    from tests.server.hub.fake_client import FakeClient, Told
    from tests.server.hub.slow_adapter import Enter, Published


@dataclass(eq=False)
class Place:
    """A client's subscription to one channel."""

    channel: str
    user: str | None
    # The entry that was asked for; None where none was needed, because the node was in the channel already.
    enter: Enter | None
    # The messages published before the subscription was asked for, where no entry says better.
    before: int
    confirmations: int = 0
    # The members, by what the client was told; None where there are none, and before the confirmation.
    roster: set[str] | None = None
    count: int | None = None
    # The event of a cache channel that comes after each confirmation; due first.
    is_cache_due: bool = False
    # Messages that it must hear, once everything is written, and those that it has heard.
    due: list[bytes] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)

    @property
    def is_live(self) -> bool:
        return self.confirmations > 0

    def is_after(self, number: int) -> bool:
        """Tell whether the message of this number was published after the subscription took effect."""
        if self.enter is None:
            return number >= self.before
        return self.enter.answer is not None and number >= self.enter.before


class Witness:
    """One client, and the places that it asked for and was not refused."""

    def __init__(self, client: FakeClient) -> None:
        self.client = client
        self.places: dict[str, Place] = {}

    @property
    def socket_id(self) -> str:
        return self.client.session.socket_id

    def expect(self, channel: str, number: int, message: Published) -> None:
        """Note that the node is just being told of a message."""
        place = self.places.get(channel)
        if place is None or message.sender == self.socket_id:
            return
        # Where an entry was asked for its position decides; elsewhere, what comes while one is there.
        if place.enter is None or place.is_after(number):
            place.due.append(message.payload)

    def read(self) -> None:
        """Check what was told since the last time."""
        for told in self.client.take():
            if told.event in ("pusher:pong", "pusher:error"):
                continue
            assert told.channel in self.places, f"told of a channel that it isn't in: {told.payload!r}"
            self._hear(self.places[told.channel], told)

    def check_complete(self) -> None:
        """Check that nothing is missing; everything must have been written."""
        for place in self.places.values():
            assert place.heard == (place.due if place.is_live else [])

    def _hear(self, place: Place, told: Told) -> None:
        if told.event == "pusher:subscription_error":
            assert not place.is_live
            assert place.enter is not None
            assert isinstance(place.enter.answer, Full)
            del self.places[place.channel]
            return
        if told.event == "pusher_internal:subscription_succeeded":
            self._confirmed(place, told.data)
            return
        assert place.is_live, f"told before its confirmation: {told.payload!r}"
        match told.event:
            case "pusher_internal:member_added":
                self._added(place, told.data["user_id"])
            case "pusher_internal:member_removed":
                self._removed(place, told.data["user_id"])
            case "pusher_internal:subscription_count":
                place.count = told.data["subscription_count"]
            case _ if place.is_cache_due:
                self._cached(place, told.payload)
            case _:
                place.heard.append(told.payload)
                assert place.heard == place.due[: len(place.heard)], "twice, too early, or in another order"

    def _confirmed(self, place: Place, data: Any) -> None:
        place.confirmations += 1
        kind = parse_channel(place.channel)
        place.is_cache_due = kind.cache and place.confirmations == 1
        if not kind.presence:
            assert data == {}
            return
        roster = set(data["presence"]["ids"])
        assert len(data["presence"]["ids"]) == data["presence"]["count"] == len(roster)
        assert set(data["presence"]["hash"]) == roster
        assert place.user in roster, "it is there itself"
        assert place.roster in (None, roster), "a second confirmation must agree with what was told since the first"
        place.roster = roster

    def _cached(self, place: Place, payload: bytes) -> None:
        assert place.enter is not None
        assert isinstance(place.enter.answer, Entry)
        cached = place.enter.answer.remembered
        assert payload == (events.cache_miss(place.channel) if cached is None else cached.payload)
        place.is_cache_due = False

    def _added(self, place: Place, user: str) -> None:
        assert place.roster is not None
        assert user not in place.roster, "added twice"
        assert user != place.user, "told of itself"
        place.roster.add(user)

    def _removed(self, place: Place, user: str) -> None:
        assert place.roster is not None
        assert user in place.roster, "removed twice"
        assert user != place.user, "told of itself"
        place.roster.remove(user)
