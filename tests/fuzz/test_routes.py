"""Each route with each method and odd parameters under a right signature, several requests on one connection."""

from __future__ import annotations

import hashlib
import re
import socket
import time
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from server.protocol.auth import sign
from tests.fuzz.mutation import ODD_VALUES, PUBLICATIONS, broken_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from tests.harness.node import RunningNode

pytestmark = pytest.mark.fuzz

DOCUMENTED = {200, 202, 204, 400, 401, 403, 404, 405, 413}
METHODS = ("GET", "GET", "GET", "POST", "POST", "OPTIONS", "PUT", "DELETE")
PATHS = (
    "/apps/1/events",
    "/apps/1/batch_events",
    "/apps/1/channels",
    "/apps/1/channels/presence-x",
    "/apps/1/channels/presence-x/users",
    "/apps/1/channels/news",
    "/apps/1/channels/news/events",
    "/apps/1/channels/news/stats",
    "/apps/1/channels/" + "x" * 300,
    "/apps/1/channels/é\x00/users",
    "/apps/1/users/1/terminate_connections",
    "/users/1/terminate_connections",
    "/apps/2/channels",
    "/apps",
    "/nowhere",
    "/livez",
    "/readyz",
    "/",
)
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def test_every_route_answers_whatever_it_is_asked(node: RunningNode, random: Random) -> None:
    statuses: Counter[int] = Counter()
    for _ in range(200):
        with socket.create_connection((node.host, node.port), timeout=20) as sock:
            for _ in range(10):
                statuses.update(_ask(sock, [_request(random) for _ in range(5)]))
    # 10,000 requests.
    assert statuses.keys() <= DOCUMENTED, statuses
    assert all(statuses[status] > 50 for status in (200, 400, 401, 404, 405)), statuses


def _ask(sock: socket.socket, requests: Sequence[bytes]) -> list[int]:
    sock.sendall(b"".join(requests))
    statuses: list[int] = []
    received = b""
    while len(statuses) < len(requests):
        head, separator, rest = received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if separator and len(rest) >= size:
            statuses.append(int(head.split(b" ")[1]))
            received = rest[size:]
        else:
            piece = sock.recv(1 << 16)
            assert piece, f"ended after {received!r}"
            received += piece
    return statuses


def _request(random: Random) -> bytes:
    method, path = random.choice(METHODS), random.choice(PATHS)
    body = broken_text(random, PUBLICATIONS) if method in ("POST", "PUT") else b""
    headers = [f"{method} {quote(path)}?{_query(random, method, path, body)} HTTP/1.1", "Host: x"]
    headers += random.sample(
        [
            "Content-Type: ;;;",
            "Idempotency-Key: " + random.choice(("once", "é" * 10, "x" * 300, "")),
            "Origin: https://example.com",
            "Access-Control-Request-Method: \t",
            "X-Forwarded-For: , ,x",
            "Expect: 100-somehow",
        ],
        random.randint(0, 2),
    )
    return "\r\n".join([*headers, f"Content-Length: {len(body)}", "", ""]).encode() + body


def _query(random: Random, method: str, path: str, body: bytes) -> str:
    fields = {
        "auth_key": "k",
        "auth_timestamp": str(int(time.time())),
        "auth_version": "1.0",
        "body_md5": hashlib.md5(body, usedforsecurity=False).hexdigest(),
    }
    for name in random.sample(("info", "filter_by_prefix", "name", "socket_id", "idempotency_key", ""), 2):
        fields[name] = random.choice(("user_count", "subscription_count,cache", "presence-", "", ",", "1.1", "é+ %"))
    if random.random() < 0.15:
        fields[random.choice([*fields])] = str(random.choice(ODD_VALUES))
    if random.random() < 0.05:
        del fields[random.choice([*fields])]
    fields = {name: value.encode(errors="replace").decode() for name, value in fields.items()}
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    fields["auth_signature"] = sign(b"s", f"{method}\n{path}\n{text}")
    return "&".join(f"{name}={quote(value)}" for name, value in fields.items())
