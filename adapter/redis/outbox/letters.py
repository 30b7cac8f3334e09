"""How notices are written in Redis: entries of the outbox, what is held back, dead letters. See scripts/_outbox.lua."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgpack

from adapter.base import Topic
from adapter.outbox import Buried, Notice

if TYPE_CHECKING:
    from collections.abc import Sequence


def read_notice(shard: int, now: int, handle: str, fields: Sequence[bytes]) -> Notice:
    """Return an entry of a shard's outbox.

    :param now: milliseconds of Redis' clock.
    """
    names = iter(fields)
    given = dict(zip(names, names, strict=True))
    at = int(given.get(b"a") or handle.partition("-")[0])
    return Notice(
        id=given.get(b"i", b"").decode() or f"{shard}-{handle}",
        topic=Topic(given[b"t"].decode()),
        kind=given[b"k"].decode(),
        user=given[b"u"].decode(),
        payload=given[b"p"],
        at=at / 1000,
        age=max(0, now - at) / 1000,
        only=given.get(b"e", b"").decode(),
        handle=handle,
    )


def held_back_again(notice: Notice, only: str) -> bytes:
    """Return a notice, for `only`, as it is held back to be handed out again."""
    return b"again\0%b\0%b" % (_letter_id(notice, only).encode(), _pack(_fields(notice, only)))


def topic_held_back(member: bytes) -> str:
    """Return the topic of something held back; of what was postponed something else, which is no topic either."""
    return member.split(b"\0", 2)[1].decode()


def write_letter(notice: Notice, only: str, why: str) -> tuple[str, bytes]:
    """Return a dead letter's id, and itself as scripts/bury.lua wants it."""
    return _letter_id(notice, only), _pack([*_fields(notice, only), why])


def read_letter(id: str, stored: bytes) -> Buried:  # noqa: A002 - the contract's word
    """Return a dead letter as it was stored: the milliseconds when, and what was given."""
    unpacker = msgpack.Unpacker(raw=True)
    unpacker.feed(stored)
    at = int(unpacker.unpack())
    # A later release may have put more into it.
    notice_id, topic, kind, user, payload, happened, only, why = unpacker.unpack()[:8]
    notice = Notice(
        id=notice_id.decode(),
        topic=Topic(topic.decode()),
        kind=kind.decode(),
        user=user.decode(),
        payload=payload,
        at=happened / 1000,
        age=max(0, at - happened) / 1000,
        only=only.decode(),
    )
    return Buried(id, notice, why.decode(), at / 1000)


def _letter_id(notice: Notice, only: str) -> str:
    return f"{notice.id}~{only}"


def _fields(notice: Notice, only: str) -> list[Any]:
    return [notice.id, notice.topic, notice.kind, notice.user, notice.payload, round(notice.at * 1000), only]


def _pack(fields: list[Any]) -> bytes:
    # Redis' own msgpack may not know the newer type for bytes.
    packed: bytes = msgpack.packb(fields, use_bin_type=False)
    return packed
