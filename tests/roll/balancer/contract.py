"""What the harness needs of a balancer."""

from __future__ import annotations

from typing import Protocol, Self


class Balancer(Protocol):
    """Passes TCP connections on to those of its fixed backends that are listed. In the beginning none is.

    Connections that are there stay when their backend is delisted.
    """

    name: str
    """For people."""
    clients_port: int
    """Each connection goes to the backend that has the fewest."""
    api_port: int
    """Connections go to the backends in turn: to a node that is about to leave as often as to others."""

    async def enlist(self, backend: str) -> None:
        """Send connections there, too."""

    async def delist(self, backend: str) -> None:
        """Send no new connections there."""

    async def __aenter__(self) -> Self:
        """Listen."""

    async def __aexit__(self, *exc: object) -> None:
        """Cut everything off."""
