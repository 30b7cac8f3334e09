"""Who this node is: a name for people, and a boot id that is never used again."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Identity:
    """This node, as the others know it.

    :param on_reborn: called when it has a new boot id, because the others had declared the old one dead.
    """

    def __init__(self, name: str, on_reborn: Callable[[], None]) -> None:
        self.name = name
        self._on_reborn = on_reborn
        self.boot = secrets.token_hex(8)
        # For its own probes; stays as it is.
        self.name_of_probe = self.boot
        # Boots of the other nodes, as last heard.
        self.peers: set[str] = set()

    def declared_dead(self, boot: str) -> None:
        """Take a new boot id, unless that has been done already."""
        if boot == self.boot:
            self.boot = secrets.token_hex(8)
            self._on_reborn()
