"""``shoal publish``: the request that it signs, and what it makes of the answer."""

from __future__ import annotations

import json
import socket
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from typer.testing import CliRunner

from server.cli import app
from server.cli.publish import encode_event, signed_url
from server.cli.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator


class Request(NamedTuple):
    path: str
    content_type: str
    body: object


class StandIn(HTTPServer):
    """A server that keeps what it was asked, and always gives the same answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.text = status, text
        self.requests: list[Request] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(Request(self.path, self.headers["Content-Type"], body))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.text.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering(status: int, text: str) -> Iterator[StandIn]:
    with StandIn(status, text) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        yield server
        thread.join()


def publish(*arguments: str, **environ: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["publish", *arguments], env=environ)
    return result.exit_code, result.stdout, result.stderr


def test_signature_is_that_of_the_documentation() -> None:
    target = Target("h:1", False, "3", "278d425bdf160c739803", b"7ad3773142a6692b25b8")
    body = b'{"name":"foo","channels":["project-3"],"data":"{\\"some\\":\\"data\\"}"}'
    url = urlsplit(signed_url(target, "/apps/3/events", body, timestamp=1353088179))
    assert (url.scheme, url.netloc, url.path) == ("http", "h:1", "/apps/3/events")
    assert dict(parse_qsl(url.query)) == {
        "auth_key": "278d425bdf160c739803",
        "auth_timestamp": "1353088179",
        "auth_version": "1.0",
        "body_md5": "ec365a775a4cd0599faeb73354201b6f",
        "auth_signature": "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c",
    }


def test_path_before_the_servers_own_is_not_signed() -> None:
    target = Target("h", True, "3", "k", b"s")
    plain = signed_url(target, "/apps/3/events", b"{}", timestamp=1)
    behind = signed_url(Target("h/prefix", True, "3", "k", b"s"), "/apps/3/events", b"{}", timestamp=1)
    assert behind == plain.replace("https://h/", "https://h/prefix/")


def test_data_is_sent_as_it_is() -> None:
    body = json.loads(encode_event("c", "e", '{"a": "ü"}', None))
    assert body == {"name": "e", "channels": ["c"], "data": '{"a": "ü"}'}


def test_event_is_posted_and_the_answer_printed() -> None:
    with answering(200, "{}") as server:
        result = publish("my-channel", "my-event", '{"a":1}', "--url", server.url, "--socket-id", "1.2")
    assert result == (0, "{}\n", "")
    [request] = server.requests
    assert request.path.startswith("/apps/app-id/events?auth_key=app-key&auth_timestamp=")
    assert request.content_type == "application/json"
    assert request.body == {"name": "my-event", "channels": ["my-channel"], "data": '{"a":1}', "socket_id": "1.2"}


def test_configured_app_is_used() -> None:
    apps = json.dumps([{"id": "7", "key": "k", "secret": "s"}])
    with answering(200, "{}") as server:
        publish("c", "e", "d", "--url", server.url, SHOAL_APPS=apps)
    assert server.requests[0].path.startswith("/apps/7/events?auth_key=k&")


def test_refusal_is_told_in_the_servers_words() -> None:
    with answering(401, "Unknown auth_key\n") as server:
        result = publish("c", "e", "d", "--url", server.url, "--key", "x", "--app-id", "y", "--secret", "z")
    assert result == (1, "", "shoal: refused with 401: Unknown auth_key\n")


def test_server_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    status, _, text = publish("c", "e", "d", "--url", f"http://127.0.0.1:{port}")
    assert status == 1
    assert text.startswith(f"shoal: can't reach 127.0.0.1:{port}: ")


def test_mistake_in_the_configuration_ends_it_with_status_2() -> None:
    status, _, text = publish("c", "e", "d", "--app-id", "x")
    assert (status, text) == (2, "shoal: no application with id 'x' is configured, only app-id (key app-key)\n")
