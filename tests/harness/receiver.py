"""A back end's end of webhooks: an HTTP server in a thread that keeps what it gets, and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    status: int
    """What it was answered with."""
    client: int = 0
    """The port that it came from."""

    @property
    def events(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = json.loads(self.body)["events"]
        return events

    @property
    def ids(self) -> list[str]:
        return self.headers["x-shoal-event-ids"].split(",")


@dataclass
class Behaviour:
    """How a path answers."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    answers: threading.Event = field(default_factory=threading.Event)
    """While it is clear, what came waits for its answer."""

    def __post_init__(self) -> None:
        self.answers.set()


class Receiver:
    """Listens on a free port, or on the one that is given, while its ``with`` block lasts."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.behaviour: defaultdict[str, Behaviour] = defaultdict(Behaviour)
        # What was answered with a 2xx, with ids, by channel.
        self._accepted: defaultdict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def take(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)
            if 200 <= request.status < 300 and "x-shoal-event-ids" in request.headers:
                for event_id, event in zip(request.ids, request.events, strict=True):
                    self._accepted[event["channel"]].append((event_id, event))

    def accepted_of(self, channel: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the same as :meth:`accepted`, of one channel."""
        with self._lock:
            return list(self._accepted[channel])

    def accepted(self, path: str | None = None) -> list[tuple[str, dict[str, Any]]]:
        """Return the events that were answered with a 2xx, each with its id, repeats included."""
        with self._lock:
            requests = list(self.requests)
        return [
            (event_id, event)
            for request in requests
            if 200 <= request.status < 300 and path in (None, request.path)
            for event_id, event in zip(request.ids, request.events, strict=True)
        ]

    def names(self, path: str | None = None) -> list[str]:
        return [event["name"] for _, event in self.accepted(path)]

    def wait_until(self, condition: Callable[[], object], timeout: float = 30.0) -> None:
        """For threads; see :func:`tests.server.webhooks.conftest.until` for tests with a loop."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, self.requests[-20:]
            time.sleep(0.02)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for behaviour in self.behaviour.values():
            behaviour.answers.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            behaviour, port = receiver.behaviour[self.path], self.client_address[1]
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.take(Request(self.path, headers, body, time.monotonic(), behaviour.status, port))
            behaviour.answers.wait()
            self.send_response(behaviour.status)
            for name, value in behaviour.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                # The other side gave up waiting.
                self.close_connection = True

    return Handler
