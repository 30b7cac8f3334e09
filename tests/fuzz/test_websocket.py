"""Frames that no client sends, thrown at a live node by the ten thousand."""

from __future__ import annotations

import itertools
import json
import struct
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.mutation import MESSAGES, broken_text, large_text
from tests.fuzz.wire import BINARY, CLOSE, PING, PONG, TEXT, Wire, frame

if TYPE_CHECKING:
    from random import Random

    from tests.harness.node import RunningNode

pytestmark = pytest.mark.fuzz

BATCH = 200
_numbers = itertools.count()

DOCUMENTED_EVENTS = {
    "pusher:error", "pusher:pong", "pusher:ping", "pusher:cache_miss", "pusher:subscription_error",
    "pusher_internal:subscription_succeeded", "pusher_internal:subscription_count",
}  # fmt: skip
DOCUMENTED_CODES = {None, 4301}


def _answers(wire: Wire) -> list[dict[str, object]]:
    """Return what came up to now: before the answer, whichever it is, to a subscription that nobody else makes."""
    channel = f"sync-{next(_numbers)}"
    for event in ("pusher:subscribe", "pusher:unsubscribe"):
        wire.write(frame(json.dumps({"event": event, "data": {"channel": channel}}).encode()))
    answers: list[dict[str, object]] = []
    while not answers or answers[-1].get("channel") != channel:
        opcode, payload = wire.read()
        if opcode == TEXT:
            answers.append(json.loads(payload))
        else:
            assert opcode in (PING, PONG), (opcode, payload)
    return answers[:-1]


def _check(answers: list[dict[str, object]]) -> None:
    for answer in answers:
        assert answer["event"] in DOCUMENTED_EVENTS, answer
        data = answer["data"]
        if answer["event"] == "pusher:error":
            assert isinstance(data, dict), answer
            assert data.keys() == {"code", "message"}, answer
            assert data["code"] in DOCUMENTED_CODES, answer
            assert isinstance(data["message"], str), answer
        else:
            assert isinstance(data, str), answer


def test_broken_messages_get_documented_answers_and_the_connection_stays(node: RunningNode, random: Random) -> None:
    seen: Counter[str] = Counter()
    for _ in range(20):
        with Wire(node) as wire:
            for _ in range(20):
                texts = [broken_text(random, MESSAGES) for _ in range(BATCH)]
                wire.write(b"".join(map(frame, texts)))
                answers = _answers(wire)
                _check(answers)
                seen.update(str(answer["event"]) for answer in answers)
    # 80,000 messages. Were they all refused, or all accepted, this would be no fuzz.
    assert seen["pusher:error"] > 20_000, seen
    assert seen["pusher_internal:subscription_succeeded"] > 1_000, seen


def test_binary_fragmented_and_oversized_messages_get_an_error_each(node: RunningNode, random: Random) -> None:
    for _ in range(10):
        with Wire(node) as wire:
            errors = 0
            for _ in range(200):
                match random.randrange(4):
                    case 0:
                        wire.write(frame(random.randbytes(random.randint(0, 300)), BINARY))
                    case 1:
                        wire.write(frame(b"x" * random.choice([65_537, 70_000, 200_000])))
                    case 2:
                        wire.write(_fragments(random, large_text(random, MESSAGES)[:-1]))
                    case _:
                        wire.write(_fragments(random, b"{" * random.randint(1, 50)))
                errors += 1
            answers = _answers(wire)
            _check(answers)
            assert [answer["event"] for answer in answers].count("pusher:error") == errors


def _fragments(random: Random, text: bytes) -> bytes:
    """Return a text message in pieces, with control frames between them."""
    cuts = sorted(random.randrange(len(text) + 1) for _ in range(random.randint(0, 5)))
    pieces = [text[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    frames = b""
    for index, piece in enumerate(pieces):
        frames += frame(piece, TEXT if index == 0 else 0, fin=index == len(pieces) - 1)
        if random.random() < 0.3:
            frames += frame(b"", random.choice([PING, PONG]))
    return frames


def test_breaches_of_the_websocket_protocol_end_the_connection_with_its_code(node: RunningNode, random: Random) -> None:
    codes: Counter[int] = Counter()
    for _ in range(1_000):
        with Wire(node) as wire:
            wire.write(_breach(random))
            try:
                while True:
                    opcode, payload = wire.read()
                    if opcode == CLOSE:
                        codes[struct.unpack("!H", payload[:2])[0] if payload else 1005] += 1
            except EOFError:
                pass
    assert codes.keys() <= {1002, 1005, 1007}, codes
    assert codes[1002] > 500, codes


def _breach(random: Random) -> bytes:
    """Return what RFC 6455 forbids; then nothing follows."""
    valid = frame(b"{}")
    match random.randrange(6):
        case 0:
            return bytes((valid[0] | random.choice([0x40, 0x20, 0x10]),)) + valid[1:]
        case 1:
            return bytes((0x80 | random.choice([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]),)) + valid[1:]
        case 2:
            # Not masked.
            return b"\x81\x02{}"
        case 3:
            return frame(b"x" * 126, random.choice([PING, PONG, CLOSE]))
        case 4:
            # A continuation of nothing, or a new message within another.
            return frame(b"x", 0) if random.random() < 0.5 else frame(b"x", fin=False) + frame(b"y")
        case _:
            return frame(random.choice([b"\x03", b"\x03\xe8\xff\xff", struct.pack("!H", 999)]), CLOSE)
