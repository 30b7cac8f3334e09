"""The writes that there are, as the scripts of the same names want them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapter.base import app_of
from adapter.outbox import OutboxOptions, Wants
from adapter.redis.keys import claim_of, count_claim, split_claim
from adapter.redis.shard.envelope import Kind, opening, tail
from adapter.redis.shard.numbering import Write

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapter.redis.keys import ShardKeys

OWN_CLAIMS = ""
"""Stands for the key of this node's claims, whose name changes with the boot."""
ONCE_TTL = 120
"""Seconds for which a publish's ``once`` is known again."""
COMMANDS_TTL = 300
"""Seconds for which a command to end connections is kept for nodes that are cut off."""

_OCCUPIED, _VACATED, _LOOK = tail(Kind.OCCUPIED), tail(Kind.VACATED), tail(Kind.LOOK)
_COUNTED, _TERMINATED = opening(Kind.COUNTED), opening(Kind.TERMINATED)


class Writes:
    """The writes of one shard."""

    def __init__(self, keys: ShardKeys) -> None:
        self._keys = keys
        # Which notices are wanted of a topic, as adapter.outbox.Wants has it; nothing until somebody delivers them.
        self.wants: Callable[[str], int] = _nothing
        self.outbox = OutboxOptions()

    def publish(self, topic: str, payload: bytes, sender: str, remember: float, once: str) -> Write:
        keys = self._keys
        message = tail(Kind.MESSAGE, sender, payload)
        if not remember and not once:
            return Write("publish", (), topic, keys.channel(topic), (message, 0, 0, 0))
        extra = [keys.remembered(topic)] if remember else []
        if once:
            extra.append(keys.mark(topic, once))
        arguments = (message, round(remember * 1000), int(bool(once)), ONCE_TTL)
        return Write("publish", tuple(extra), topic, keys.channel(topic), arguments)

    def enter(self, topic: str, who: str, info: bytes, *, limit: int | None = None, told: str = "news") -> Write:
        """Return the write that makes an entry; `told` is what scripts/enter.lua wants."""
        keys = self._keys
        joined = tail(Kind.JOINED, who[1:], info)
        extra = (
            OWN_CLAIMS,
            keys.state(topic),
            keys.roster(topic),
            keys.remembered(topic),
            keys.occupied(app_of(topic)),
            keys.outbox,
            keys.held_back,
        )
        arguments = (
            claim_of(topic, who),
            who,
            info,
            "" if limit is None else limit,
            told,
            _OCCUPIED,
            joined,
            _LOOK,
            int(self.wants(topic)),
            self.outbox.most,
        )
        return Write("enter", extra, topic, keys.channel(topic), arguments, is_patient=told == "news")

    def leave(self, topic: str, who: str, hold: int, *, claims: str = OWN_CLAIMS) -> Write:
        """Return the write that takes an entry back, or turns it into a hold of so many milliseconds.

        :param claims: the key of the claims of the node whose entry it is.
        """
        return self._leave(topic, who, hold, claims)

    def lapse(self, claim: str) -> Write:
        """Return the write that ends a hold, if it is due."""
        return self._leave(*split_claim(claim), "due", OWN_CLAIMS)

    def _leave(self, topic: str, who: str, hold: int | str, claims: str) -> Write:
        keys = self._keys
        extra = (
            claims,
            keys.state(topic),
            keys.roster(topic),
            keys.occupied(app_of(topic)),
            keys.holds,
            keys.held_back,
        )
        held_back = round(self.outbox.debounce * 1000)
        wants = int(self.wants(topic))
        arguments = (claim_of(topic, who), who, hold, tail(Kind.LEFT, who[1:]), _VACATED, wants, held_back)
        return Write("leave", extra, topic, keys.channel(topic), arguments, is_patient=True)

    def count(
        self, topic: str, subscriptions: int, *, announce: bool, claims: str = OWN_CLAIMS, is_news: bool = True
    ) -> Write:
        """Return the write that states a number of subscriptions.

        :param is_news: whether it has changed, and was not only forgotten.
        """
        extra = (claims, self._keys.state(topic), self._keys.outbox, self._keys.held_back)
        outbox = self.outbox
        arguments = (
            count_claim(topic),
            subscriptions,
            _COUNTED if announce else b"",
            self._wants_count(topic, claims) if announce and is_news else 0,
            outbox.large,
            round(outbox.interval * 1000),
            outbox.most,
        )
        return Write("count", extra, topic, self._keys.channel(topic), arguments, is_patient=True)

    def _wants_count(self, topic: str, claims: str) -> int:
        if self.wants(topic) & Wants.COUNTS:
            return 1
        return 0 if claims == OWN_CLAIMS else 2

    def notify(self, topic: str, kind: str, payload: bytes, apart: float) -> Write:
        keys = self._keys
        extra = (keys.outbox, keys.mark(topic, f"notice {kind}")) if apart else (keys.outbox,)
        arguments = (kind, payload, self.outbox.most, round(apart * 1000))
        return Write("notify", extra, topic, keys.channel(topic), arguments)

    def terminate(self, topic: str) -> Write:
        keys = self._keys
        return Write("terminate", (keys.commands,), topic, keys.channel(topic), (_TERMINATED, COMMANDS_TTL))


def _nothing(topic: str) -> int:
    return 0
