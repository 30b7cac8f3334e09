"""All keys and pub/sub channels in Redis, and what is in them.

Everything about a shard has its hash tag, ``{s17}``, so that a script may touch all of it on Redis Cluster too.

======================== ======= ============================================== ======================================
key                      type    content                                        ends
======================== ======= ============================================== ======================================
``{s}:m``                hash    meta: epoch, position ...                      never
``{s}:j``                stream  journal                                        bounded; an hour after the last
``{s}:w:<boot>``         string  number of the boot's last write                with the node, or an hour after
``{s}:n:<boot>``         hash    claims of the boot                             with the last claim; reaped
``{s}:d``                zset    holds, by when they are due                    with the last hold
``{s}:x``                zset    commands to end connections, by time           5 minutes
``{s}:g``                hash    who is awaited while the shard settles         a minute
``{s}:a:<app>``          set     occupied topics of an application              with the last
``{s}:t:<topic>``        hash    state: holders, subscriptions, numbers         when nobody is left
``{s}:i:<topic>``        hash    roster: user to info                           with the last member
``{s}:r:<topic>``        string  remembered message                             as its publisher says
``{s}:k:<mark>``         string  a publish that may come again, or a notice     2 minutes, or seconds
``{s}:o``                stream  outbox: notices, each deleted when dealt with  bounded; never
``{s}:q``                zset    notices that are held back, by when due        moved to the outbox
``{s}:b``                hash    dead letters                                   bounded; a week after the last
``{s0}:beats``           zset    boots, by their last beat                      reaped
``{s0}:nodes``           hash    what nodes say of themselves                   reaped
``{s0}:l:<app>``         hash    leases of connections, by boot                 reaped
``{s0}:q:<app>:<what>``  hash    what is missing from an allowance a second      when nothing is missing
``{s0}:reap:<boot>``     string  who cleans up after a dead boot                10 seconds
``{s}:agreed``           string  what all nodes must have in common             never
======================== ======= ============================================== ======================================
"""

from __future__ import annotations

from hashlib import blake2b

NOBODY = "-"
_COUNT = "#"


class ShardKeys:
    """The keys of one shard."""

    __slots__ = (
        "_base",
        "_channels",
        "agreed",
        "awaited",
        "beats",
        "buried",
        "commands",
        "held_back",
        "holds",
        "journal",
        "meta",
        "nodes",
        "outbox",
    )

    def __init__(self, prefix: str, number: int, *, db: int = 0) -> None:
        self._base = f"{prefix}:{{s{number}}}:"
        # Pub/sub knows no databases.
        self._channels = self._base if not db else f"{prefix}@{db}:{{s{number}}}:"
        self.meta = self._base + "m"
        self.journal = self._base + "j"
        self.holds = self._base + "d"
        self.commands = self._base + "x"
        self.awaited = self._base + "g"
        self.outbox = self._base + "o"
        self.held_back = self._base + "q"
        self.buried = self._base + "b"
        self.agreed = self._base + "agreed"
        self.beats = self._base + "beats"
        self.nodes = self._base + "nodes"

    def writes(self, boot: str) -> str:
        return f"{self._base}w:{boot}"

    def claims(self, boot: str) -> str:
        return f"{self._base}n:{boot}"

    def occupied(self, app_id: str) -> str:
        return f"{self._base}a:{app_id}"

    def leases(self, app_id: str) -> str:
        return f"{self._base}l:{app_id}"

    def allowance(self, app_id: str, what: str) -> str:
        return f"{self._base}q:{app_id}:{what}"

    def reaping(self, boot: str) -> str:
        return f"{self._base}reap:{boot}"

    def state(self, topic: str) -> str:
        return f"{self._base}t:{topic}"

    def roster(self, topic: str) -> str:
        return f"{self._base}i:{topic}"

    def remembered(self, topic: str) -> str:
        return f"{self._base}r:{topic}"

    def mark(self, topic: str, once: str) -> str:
        """A digest, since whoever publishes chooses the text."""
        return f"{self._base}k:{blake2b(f'{len(topic)}:{topic}{once}'.encode(), digest_size=16).hexdigest()}"

    def scratch(self, boot: str) -> str:
        """A key to try commands on."""
        return f"{self._base}try:{boot}"

    def channel(self, topic: str) -> str:
        return self._channels + topic

    def probe_channel(self, boot: str) -> str:
        """No topic is without a slash."""
        return f"{self._channels}probe-{boot}"


def who_is(user: str | None) -> str:
    """Return how a user, or nobody in particular, is written where both may be."""
    return NOBODY if user is None else f"={user}"


def claim_of(topic: str, who: str) -> str:
    """Return who and topic in one, to be taken apart again by :func:`split_claim`."""
    return f"{len(topic)}:{topic}{who}"


def count_claim(topic: str) -> str:
    """Return the claim that stands for a node's number of subscriptions."""
    return claim_of(topic, _COUNT)


def split_claim(claim: str) -> tuple[str, str]:
    """Return the topic, and who or what (:func:`is_count`) it is."""
    length, _, rest = claim.partition(":")
    return rest[: int(length)], rest[int(length) :]


def is_count(who: str) -> bool:
    return who == _COUNT
