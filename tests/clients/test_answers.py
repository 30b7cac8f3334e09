"""The HTTP API's answers byte for byte, as far as official libraries compare them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.clients.apps import APPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.harness import RunningNode

pytestmark = pytest.mark.clients

APP = APPS["main"]
ROOT = f"/apps/{APP['id']}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What libraries look at."""

    status: int
    content_type: str | None
    body: bytes


class Caller:
    """A signed caller with one connection, which it never replaces."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection

    def ask(self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Answer:
        """Send a request as PHP's library does: percent-encoded values, signed as they were before."""
        content = b"" if body is None else json.dumps(body).encode()
        fields = _signed(method, path, content, query or {})
        target = f"{path}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
        self._connection.request(method, target, content or None, {"Content-Type": "application/json"} if body else {})
        response = self._connection.getresponse()
        return Answer(response.status, response.getheader("Content-Type"), response.read())


def _signed(method: str, path: str, content: bytes, query: Mapping[str, str]) -> dict[str, str]:
    fields = {"auth_key": APP["key"], "auth_timestamp": str(int(time.time())), "auth_version": "1.0", **query}
    if content:
        fields["body_md5"] = hashlib.md5(content).hexdigest()
    text = "\n".join([method, path, "&".join(f"{name}={fields[name]}" for name in sorted(fields))])
    return fields | {"auth_signature": hmac.new(APP["secret"].encode(), text.encode(), hashlib.sha256).hexdigest()}


@pytest.fixture
def caller(node: RunningNode) -> Iterator[Caller]:
    connection = HTTPConnection(node.host, node.port, timeout=10.0)
    connection.connect()
    # What http.client would open again without a word must be an error.
    connection.auto_open = 0
    with closing(connection):
        yield Caller(connection)


EVENT = {"name": "event", "data": "x", "channels": ["channel"]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/events", EVENT),
        ("/events", {"name": "event", "data": "x", "channel": "channel"}),
        ("/events", EVENT | {"socket_id": "123123"}),
        ("/batch_events", {"batch": [{"name": "event", "data": "x", "channel": "channel"}]}),
        ("/users/nobody/terminate_connections", {}),
    ],
)
def test_success_is_exactly_an_empty_object(caller: Caller, path: str, body: Any) -> None:
    assert caller.ask("POST", ROOT + path, body) == Answer(200, "application/json", b"{}")


def test_deprecated_publishing_is_accepted_with_202(caller: Caller) -> None:
    answer = caller.ask("POST", f"{ROOT}/channels/channel/events", {"a": 1}, {"name": "event"})
    assert answer == Answer(202, "application/json", b"{}")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/channels?filter_by_prefix=unheard-of", b'{"channels":{}}'),
        ("/channels/presence-unheard-of/users", b'{"users":[]}'),
        ("/channels/unheard-of", b'{"occupied":false}'),
        (
            "/channels/presence-unheard-of?info=user_count,subscription_count",
            b'{"occupied":false,"user_count":0,"subscription_count":0}',
        ),
    ],
)
def test_empty_answers_have_the_shape_of_full_ones(caller: Caller, path: str, body: bytes) -> None:
    path, _, query = path.partition("?")
    fields = dict([query.split("=")]) if query else {}
    assert caller.ask("GET", ROOT + path, query=fields) == Answer(200, "application/json", body)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", f"{ROOT}/events", {"name": "event"}, 400),
        ("POST", f"{ROOT}/events", EVENT | {"data": None}, 400),
        ("POST", f"{ROOT}/events", EVENT | {"channels": ["with blank"]}, 400),
        ("GET", f"{ROOT}/channels/public/users", None, 400),
        ("GET", "/apps/9/channels", None, 401),
        ("GET", f"{ROOT}/nothing", None, 404),
        ("GET", "/nothing", None, 404),
        ("POST", f"{ROOT}/events", EVENT | {"data": "x" * 10_241}, 413),
    ],
)
def test_refusal_is_one_line_of_text(caller: Caller, method: str, path: str, body: Any, status: int) -> None:
    answer = caller.ask(method, path, body)
    assert (answer.status, answer.content_type) == (status, "text/plain; charset=utf-8")
    assert answer.body.endswith(b"\n")
    assert answer.body.count(b"\n") == 1


def test_connection_is_kept_after_whatever_answer(caller: Caller) -> None:
    statuses = [
        caller.ask("POST", f"{ROOT}/events", EVENT).status,
        caller.ask("POST", f"{ROOT}/events", {"name": 1}).status,
        caller.ask("GET", "/apps/9/channels").status,
        caller.ask("GET", f"{ROOT}/nothing").status,
        caller.ask("POST", f"{ROOT}/events", EVENT | {"data": "x" * 10_241}).status,
        caller.ask("POST", f"{ROOT}/events", EVENT).status,
    ]
    assert statuses == [200, 400, 401, 404, 413, 200]
