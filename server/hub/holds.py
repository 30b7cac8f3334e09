"""For how long a place is kept for a client that is gone, because it is expected back.

A client whose connection broke, or was closed by us, comes back in a moment: nobody is told that it had gone. One that
closed its connection itself has said what it wants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.protocol.codes import Close


def hold_after_close(close: Close, *, leaving: float, unclean: float) -> float:
    """Return the seconds for which a connection that we close keeps its places.

    :param leaving: after a 42xx, by which the client is told to come back at once.
    :param unclean: after a 41xx, or a lost pong, by which it is told to come back a little later.
    """
    if close.code == 4201 or 4100 <= close.code < 4200:
        return unclean
    return leaving if 4200 <= close.code < 4300 else 0.0
