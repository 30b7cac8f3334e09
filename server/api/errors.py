"""Why a request to the API is refused: each error is one status and one sentence for the caller's developer."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, ClassVar

from server.protocol.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from server.api.cors import Header


class ApiError(ClientError):
    """Root of what the API refuses with; the message becomes the body."""

    status: ClassVar[int]
    headers: tuple[Header, ...] = ()


class BadRequest(ApiError):
    """A parameter is missing, wrong or over a limit."""

    status = 400


class Unauthorized(ApiError):
    """The request isn't signed as it must be."""

    status = 401


class Forbidden(ApiError):
    """It is signed well, but the application may not use the API."""

    status = 403


class NotFound(ApiError):
    """Nothing has that path."""

    status = 404

    def __init__(self) -> None:
        super().__init__("404 NOT FOUND")


class MethodNotAllowed(ApiError):
    """The path exists, but not for this method."""

    status = 405

    def __init__(self, allowed: Iterable[str]) -> None:
        methods = ", ".join(allowed)
        self.headers = ((b"allow", methods.encode()),)
        super().__init__(f"405 METHOD NOT ALLOWED: use {methods}")


class TooLarge(ApiError):
    """The body, or an event's data, is over its limit."""

    status = 413


class UpgradeRequired(ApiError):
    """The path is for WebSockets, and this is a plain request: a browser's, or one that a proxy made plain."""

    status = 426
    headers = ((b"upgrade", b"websocket"), (b"connection", b"upgrade"))

    def __init__(self) -> None:
        super().__init__(
            "426 UPGRADE REQUIRED: this path is for WebSockets; a proxy in front has to pass on Upgrade and Connection"
        )


class TooManyRequests(ApiError):
    """It is over a rate.

    :param wait: seconds until it is worth asking again.
    """

    status = 429

    def __init__(self, text: str, wait: float, headers: Iterable[Header] = ()) -> None:
        # Whole seconds are all that the header can say.
        seconds = max(1, ceil(wait))
        self.headers = ((b"retry-after", b"%d" % seconds), *headers)
        super().__init__(f"429 TOO MANY REQUESTS: {text}; try again in {seconds} s")
