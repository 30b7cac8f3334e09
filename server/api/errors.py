"""Why a request to the API is refused: each error is one status and one sentence for the caller's developer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from server.protocol.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable


class ApiError(ClientError):
    """Root of what the API refuses with; the message becomes the body."""

    status: ClassVar[int]


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
    """The path exists, but not for this method.

    :ivar allowed: the methods that it does exist for.
    """

    status = 405

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = ", ".join(allowed)
        super().__init__(f"405 METHOD NOT ALLOWED: use {self.allowed}")


class TooLarge(ApiError):
    """The body, or an event's data, is over its limit."""

    status = 413
