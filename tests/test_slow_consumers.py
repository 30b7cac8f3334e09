"""Clients that don't read, beside those that do: the former are ended, the latter notice nothing."""

from __future__ import annotations

import json
import selectors
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest
from pusher import Pusher

from tests.harness.node import start_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.node import RunningNode

CHANNEL = "bursts"
SUBSCRIBE = json.dumps({"event": "pusher:subscribe", "data": {"channel": CHANNEL}}).encode()
EVENT = b'"event":"burst"'
READING = 100
"""Who read, in one thread: it must keep up on a slow machine, too."""
APP = {"id": "1", "key": "k", "secret": "s"}


@pytest.fixture
def node() -> Iterator[RunningNode]:
    with start_node(apps=[APP]) as node:
        yield node


def _connect(node: RunningNode, *, receive_buffer: int | None = None) -> socket.socket:
    """Return a socket that is subscribed; its confirmation is yet to be read."""
    sock = socket.socket()
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.connect((node.host, node.port))
    sock.sendall(
        b"GET /app/k?protocol=7 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        + bytes((0x81, 0x80 | len(SUBSCRIBE), 0, 0, 0, 0))
        + SUBSCRIBE
    )
    return sock


class Readers:
    """Clients that read as fast as they can, in a thread of their own; counts what each got."""

    def __init__(self, sockets: list[socket.socket]) -> None:
        self.events: Counter[int] = Counter()
        self.ended: set[int] = set()
        # Seconds from a stamp in an event to when its last byte was here, as they were in the order of arrival.
        self.latencies: list[float] = []
        self._tails: dict[int, bytes] = {}
        self._selector = selectors.DefaultSelector()
        for sock in sockets:
            sock.setblocking(False)
            self._selector.register(sock, selectors.EVENT_READ)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(0.05):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                self._read(sock)

    def _read(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(1 << 20)
        except BlockingIOError:
            return
        if not data:
            self.ended.add(sock.fileno())
            self._selector.unregister(sock)
            return
        # The mark may be cut in two by a read.
        seen = self._tails.get(sock.fileno(), b"") + data
        self._tails[sock.fileno()] = seen[-len(EVENT) + 1 :]
        self.events[sock.fileno()] += seen.count(EVENT)
        if (at := data.rfind(b"stamp ")) >= 0 and len(data) >= at + 24:
            self.latencies.append(time.monotonic() - float(data[at + 6 : at + 24]))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._selector.close()


def _publish(node: RunningNode, count: int, size: int) -> None:
    """Publish that many events of that size, ten a call, over four connections."""
    api = Pusher(app_id="1", key="k", secret="s", host=node.host, port=node.port, ssl=False)
    batch = [{"channel": CHANNEL, "name": "burst", "data": "x" * size} for _ in range(10)]
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(api.trigger_batch, batch) for _ in range(count // 10)]:
            future.result()


def _slow(node: RunningNode) -> float:
    """Return how many connections are, or were, over the limit."""
    return node.metric("shoal_congested_connections") + node.metric("shoal_slow_consumers_total")


def _median_latency(node: RunningNode, readers: Readers, rounds: int = 40) -> float:
    """Return the median seconds from a publish to its arrival, over all readers; one event at a time."""
    api = Pusher(app_id="1", key="k", secret="s", host=node.host, port=node.port, ssl=False)
    readers.latencies.clear()
    for _ in range(rounds):
        api.trigger(CHANNEL, "stamped", f"stamp {time.monotonic():018.6f}")
        time.sleep(0.02)
    # Behind what they have yet to read.
    node.wait_until(lambda: readers.latencies, "a stamp arrives")
    return sorted(readers.latencies)[len(readers.latencies) // 2]


def test_who_never_reads_is_ended_with_4100_in_time_and_the_others_get_everything(node: RunningNode) -> None:
    deaf = [_connect(node, receive_buffer=4096) for _ in range(15)]
    reading = [_connect(node) for _ in range(READING)]
    readers = Readers(reading)
    try:
        node.wait_until(lambda: node.metric("shoal_subscriptions") == READING + 15, "all are subscribed")
        before = _median_latency(node, readers)
        rss = node.rss()
        readers.events.clear()
        # The kernel takes some 3 MB for a connection whose peer doesn't read; the rest is the node's to keep.
        publishing = threading.Thread(target=_publish, args=(node, 450, 10_000))
        publishing.start()
        node.wait_until(lambda: _slow(node) >= 15, "15 are over the limit", 60.0)
        over_at = time.monotonic()
        publishing.join()
        during = _median_latency(node, readers)
        node.wait_until(lambda: node.metric("shoal_slow_consumers_total") == 15, "15 are ended")
        took = time.monotonic() - over_at
        assert node.metric("shoal_connections_closed_total", code="4100") == 15
        node.wait_until(
            lambda: len(readers.events) == READING and min(readers.events.values()) == 450, "all got all", 60.0
        )
        assert not readers.ended
        node.wait_until(lambda: node.metric("shoal_closing_connections") == 0, "the deaf are cut off")
        after = _median_latency(node, readers)
        growth = node.rss() - rss
        print(
            f"ended after {took:.1f} s; node grew by {growth / 2**20:.1f} MiB; median latency before, during, after: "
            f"{before * 1e3:.1f}, {during * 1e3:.1f}, {after * 1e3:.1f} ms"
        )
        # All wait for the same bytes: 4.5 MB of events, not 15 times that; and whatever the allocator keeps.
        assert growth < 32 * 2**20
    finally:
        readers.stop()
        for sock in deaf + reading:
            sock.close()


def test_who_reads_survives_bursts_that_are_larger_than_all_buffers() -> None:
    # A burst is no crime, however long this machine takes to read it.
    settings = {"SHOAL_SLOW_CONSUMER_SECONDS": "60", "SHOAL_UNSENT_TIMEOUT": "60"}
    with start_node(settings, apps=[APP]) as node:
        _survive_a_burst(node)


def _survive_a_burst(node: RunningNode) -> None:
    reading = [_connect(node) for _ in range(READING)]
    readers = Readers(reading)
    try:
        node.wait_until(lambda: node.metric("shoal_subscriptions") == READING, "all are subscribed")
        _publish(node, 600, 10_000)
        node.wait_until(
            lambda: len(readers.events) == READING and min(readers.events.values()) == 600, "all got all", 60.0
        )
        assert set(readers.events.values()) == {600}
        assert not readers.ended
        assert node.metric("shoal_slow_consumers_total") == 0
        assert node.metric("shoal_connections_closed_total") == 0
        assert httpx.get(f"{node.url}/readyz").status_code == 200
    finally:
        readers.stop()
        for sock in reading:
            sock.close()


async def test_a_client_whose_oldest_unsent_byte_is_too_old_is_ended_though_it_is_below_the_limit() -> None:
    settings = {
        "SHOAL_UNSENT_TIMEOUT": "1",
        "SHOAL_SOCKET_SEND_BUFFER": "4096",
        "SHOAL_ABORT_TIMEOUT": "1",
        "SHOAL_CLOSE_TIMEOUT": "1",
    }
    with start_node(settings, apps=[APP]) as node, _connect(node, receive_buffer=4096):
        node.wait_until(lambda: node.metric("shoal_subscriptions") == 1, "it is subscribed")
        _publish(node, 10, 10_000)
        node.wait_until(lambda: node.metric("shoal_slow_consumers_total") == 1, "it is ended")
