"""Frames of all kinds in any order, right and wrong ones: whatever ends the connection, it ends in an orderly way."""

from __future__ import annotations

import json
import struct
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests import frames
from tests.fuzz.mutation import MESSAGES
from tests.fuzz.wire import CLOSE, PING, PONG, TEXT, Wire

if TYPE_CHECKING:
    from random import Random

    from tests.harness.node import RunningNode

pytestmark = pytest.mark.fuzz


def test_after_a_close_nothing_is_said_and_each_close_is_answered(node: RunningNode, random: Random) -> None:
    codes: Counter[int] = Counter()
    for _ in range(750):
        with Wire(node) as wire:
            wire.write(b"".join(_any_frame(random) for _ in range(20)))
            code = _close_code(wire)
            if code is not None:
                codes[code] += 1
    # 15,000 frames. Its own codes, and the echoes of ours.
    assert codes.keys() <= {1000, 1001, 1002, 1005, 1007, 3000, 4200}, codes
    assert all(codes[code] > 10 for code in (1000, 1002, 4200)), codes


def _close_code(wire: Wire) -> int | None:
    """Read to the end; return the code of the close frame, which must be last. None if there is none."""
    code = None
    try:
        wire.finish()
        while True:
            opcode, payload = wire.read()
            assert code is None, "nothing comes after a close"
            if opcode == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if payload else 1005
            elif opcode == TEXT:
                assert isinstance(json.loads(payload)["event"], str)
            else:
                assert opcode in (PING, PONG)
    except (EOFError, OSError):
        return code


def _any_frame(random: Random) -> bytes:
    payload, mask = json.dumps(random.choice(MESSAGES)).encode(), random.randbytes(4)
    match random.randrange(20):
        case 0:
            return frames.close_frame(
                random.choice((1000, 1001, 3000, 4200, 1005, 65535)), random.choice(("", "é" * 61))
            )
        case 1:
            whole = bytearray(frames.frame(payload, mask=mask))
            whole[random.randrange(min(len(whole), 8))] ^= 1 << random.randrange(8)
            return bytes(whole)
        case 2:
            return frames.frame(payload[:100], random.choice((PING, PONG)), mask=mask)
        case 3:
            return frames.frame(payload, random.choice((0, 2, 3, 8, 15)), fin=random.random() < 0.5, mask=mask)
        case 4:
            return frames.frame(payload, fin=False, mask=mask) + frames.frame(b"", 0, mask=mask)
        case _:
            return frames.frame(payload, mask=mask)
