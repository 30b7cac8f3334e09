"""What a request is answered with: JSON when it worked, one line of text when it didn't."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from server.api.cors import ANY_ORIGIN, READABLE, preflight_headers
from server.api.errors import ApiError
from server.protocol.strict_json import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from starlette.types import Message

    from adapter.errors import Unavailable
    from server.api.cors import Header
    from server.protocol.errors import ClientError

_TEXT = b"text/plain; charset=utf-8"


class Answer:
    """A complete response, as the two ASGI messages that it consists of, so that a frequent one is made only once."""

    __slots__ = ("body", "head", "status")

    def __init__(
        self, status: int, body: bytes, content_type: bytes, headers: Sequence[Header] = (ANY_ORIGIN,)
    ) -> None:
        self.status = status
        described = (b"content-type", content_type), (b"content-length", b"%d" % len(body))
        self.head: Message = {"type": "http.response.start", "status": status, "headers": [*described, *headers]}
        self.body: Message = {"type": "http.response.body", "body": body}

    def with_headers(self, headers: Sequence[Header]) -> Answer:
        """Return the same answer with more headers; this one may be everybody's."""
        if not headers:
            return self
        answer = object.__new__(Answer)
        answer.status, answer.body = self.status, self.body
        answer.head = {**self.head, "headers": [*self.head["headers"], *headers]}
        return answer


def json_answer(value: Any, status: int = 200) -> Answer:
    return Answer(status, encode(value), b"application/json")


def text_answer(text: str, status: int = 200, headers: Iterable[Header] = ()) -> Answer:
    """Answer with a line of text, for people: what refuses, and what health checks ask."""
    return Answer(status, text.encode() + b"\n", _TEXT, (*READABLE, *headers))


EMPTY = json_answer({})
"""Exactly ``{}``, which is what the official libraries' own tests compare a success with."""
ACCEPTED = json_answer({}, 202)
CRASHED = text_answer("500 INTERNAL SERVER ERROR", 500)


def refusal(error: ClientError) -> Answer:
    """Answer what the caller did wrong. What the protocol's parsers refuse has no status of its own: 400."""
    if isinstance(error, ApiError):
        return text_answer(str(error), error.status, error.headers)
    return text_answer(str(error), 400)


def try_again(error: Unavailable) -> Answer:
    """Answer that nothing is known about the outcome, and when it is worth asking again."""
    seconds = max(1, ceil(error.retry_after))
    text = f"503 SERVICE UNAVAILABLE: the outcome is unknown, try again with the same idempotency_key in {seconds} s"
    return text_answer(text, 503, [(b"retry-after", b"%d" % seconds)])


def preflight(methods: Iterable[str]) -> Answer:
    return Answer(200, b"", _TEXT, preflight_headers(methods))
