"""Requests that no library sends, signed and unsigned, and what isn't HTTP at all."""

from __future__ import annotations

import hashlib
import re
import socket
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from server.protocol.auth import sign
from tests.fuzz.mutation import PUBLICATIONS, broken_text

if TYPE_CHECKING:
    from random import Random

    from tests.harness.node import RunningNode

pytestmark = pytest.mark.fuzz

DOCUMENTED = {200, 202, 400, 401, 403, 404, 405, 408, 413, 414, 429, 431, 501, 505}
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
PATHS = (
    "/apps/1/events",
    "/apps/1/batch_events",
    "/apps/1/channels/news/events",
    "/apps/1/users/1/terminate_connections",
)


def _exchange(node: RunningNode, data: bytes, *, requests: int | None = None) -> list[int]:
    """Send bytes; return the statuses of all answers.

    :param requests: how many answers are due; None if nobody can tell, so that the end is sent too.
    """
    with socket.create_connection((node.host, node.port), timeout=20) as sock:
        answer = b""
        try:
            sock.sendall(data)
            if requests is None:
                sock.shutdown(socket.SHUT_WR)
            while len(_STATUS.findall(answer)) != requests and (piece := sock.recv(1 << 16)):
                answer += piece
        except (ConnectionResetError, BrokenPipeError):
            # It had heard enough.
            pass
    return [int(status) for status in _STATUS.findall(answer)]


def _signed(path: str, body: bytes, *, parameters: str = "") -> bytes:
    """Return a request whose signature is right, whatever its body is."""
    query = f"auth_key=k&auth_timestamp={int(time.time())}&auth_version=1.0"
    if body:
        query += f"&body_md5={hashlib.md5(body, usedforsecurity=False).hexdigest()}"
    query += parameters
    signature = sign(b"s", f"POST\n{path}\n{query}")
    head = f"POST {path}?{query}&auth_signature={signature} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_signed_requests_with_broken_bodies_get_documented_answers(node: RunningNode, random: Random) -> None:
    statuses: Counter[int] = Counter()
    for _ in range(400):
        requests = [_signed(random.choice(PATHS), broken_text(random, PUBLICATIONS)) for _ in range(50)]
        answers = _exchange(node, b"".join(requests), requests=50)
        assert len(answers) == 50, answers
        statuses.update(answers)
    assert statuses.keys() <= DOCUMENTED, statuses
    assert statuses[200] > 500, statuses
    assert statuses[400] > 5_000, statuses


def test_broken_requests_get_documented_answers_or_none(node: RunningNode, random: Random) -> None:
    statuses: Counter[int] = Counter()
    for _ in range(3_000):
        valid = _signed(random.choice(PATHS), b'{"name":"e","channel":"news","data":"{}"}')
        statuses.update(_exchange(node, _broken(random, valid)))
    assert statuses.keys() <= DOCUMENTED, statuses
    assert statuses[400] > 300, statuses
    assert statuses[401] > 300, statuses


def _broken(random: Random, request: bytes) -> bytes:
    text = bytearray(request)
    for _ in range(random.randint(1, 5)):
        at = random.randrange(len(text) + 1)
        match random.randrange(5):
            case 0:
                text[at : at + random.randint(1, 20)] = b""
            case 1:
                text[at:at] = random.randbytes(random.randint(1, 4))
            case 2:
                text[at:at] = random.choice([b"\r\n", b"\n", b": ", b"%", b"%ff", b"&", b"=", b"+", b"%00", b" "])
            case 3:
                text[:] = text.replace(
                    b"Content-Length: ", random.choice([b"Transfer-Encoding: ", b"Content-Length: 9"])
                )
            case _:
                text[:] = text.replace(b"Host: x", b"X: " + b"y" * random.choice([10, 9_000, 20_000]))
    return bytes(text)


def test_noise_gets_400_or_nothing(node: RunningNode, random: Random) -> None:
    statuses: Counter[int] = Counter()
    for _ in range(2_000):
        statuses.update(_exchange(node, random.randbytes(random.randint(0, 500))))
    assert statuses.keys() <= {400}, statuses
