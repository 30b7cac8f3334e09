"""Handshakes that no client makes: refused in HTTP where they are none, else by a close with a documented code."""

from __future__ import annotations

import json
import socket
import struct
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests import frames
from tests.fuzz.mutation import ODD_VALUES

if TYPE_CHECKING:
    from random import Random

    from tests.harness.node import RunningNode

pytestmark = pytest.mark.fuzz

STATUSES = {101, 400, 404, 405, 414, 426, 431}
CODES = {4001, 4005, 4006, 4007, 4008}


def test_odd_handshakes_are_accepted_or_turned_away_with_a_documented_code(node: RunningNode, random: Random) -> None:
    statuses: Counter[int] = Counter()
    codes: Counter[int | None] = Counter()
    for _ in range(4_000):
        response = _exchange(node, _handshake(random))
        head, _, rest = response.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        statuses[status] += 1
        if status == 101:
            codes[_code(rest)] += 1
    assert statuses.keys() <= STATUSES, statuses
    assert statuses[400] > 100, statuses
    assert codes.keys() <= {None, *CODES}, codes
    assert all(codes[code] > 20 for code in (None, *CODES)), codes


def _exchange(node: RunningNode, request: bytes) -> bytes:
    with socket.create_connection((node.host, node.port), timeout=20) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        response = b""
        while piece := sock.recv(1 << 16):
            response += piece
    assert response, request
    return response


def _code(data: bytes) -> int | None:
    """Return the code by which a connection was turned away, which error and close agree on; None if it wasn't."""
    found, end = frames.split(data)
    assert end == len(data)
    if len(found) == 1:
        assert b"pusher:connection_established" in found[0][1]
        return None
    (_, error), (opcode, close) = found
    told = json.loads(error)["data"]
    assert opcode == frames.CLOSE
    assert struct.unpack("!H", close[:2])[0] == told["code"]
    assert close[2:].decode() == told["message"]
    code: int = told["code"]
    return code


def _handshake(random: Random) -> bytes:
    path = random.choice(["/app/k"] * 6 + ["/app/nobody", "/app/", "/app/k/x", "/prefix/app/k", "/app/%6b", "/apps/k"])
    fields = {"protocol": "7", "client": "js", "version": "8.6.0", "flash": "false"}
    for name in random.sample([*fields], random.choice((0, 1, 1, 2))):
        fields[name] = random.choice([str(value) for value in ODD_VALUES] + ["4", "8", "💥" * 20, "ü" * 64, "07", "٧"])
    if random.random() < 0.1:
        del fields[random.choice([*fields])]
    query = "&".join(f"{name}={quote(value, errors='replace')}" for name, value in fields.items())
    headers = {
        "Host": "x",
        "Connection": random.choice(("Upgrade", "keep-alive, Upgrade")),
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
        "Origin": "https://example.com",
    }
    if random.random() < 0.2:
        name = random.choice([*headers])
        headers[name] = random.choice(("", "x", ";", "é", "\x7f", "13, 13", "a" * 3000, "websocket, h2c", "null"))
    lines = [f"GET {path}?{query} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()
