"""One connection to Redis: commands go out once a tick, replies come in as callbacks.

Its own, because a reply must reach its reader in the tick in which it arrives, in order, without a task or a timeout
for each, and because nobody else may decide to reconnect or to send a command again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import hiredis

from adapter.redis.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

_INCOMPLETE = object()


class Wire(asyncio.Protocol):
    """Bytes out, replies in.

    :ivar on_reply: called with each reply; an error reply is a :class:`~adapter.redis.errors.Refusal`.
    :ivar lost: done once the connection is gone.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(replyError=Refusal, notEnoughData=_INCOMPLETE)
        self._out: list[bytes] = []
        self.on_reply: Callable[[Any], None] = _ignore
        self.lost: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        gets = self._reader.gets
        try:
            while (reply := gets()) is not _INCOMPLETE:
                self.on_reply(reply)
        except hiredis.ProtocolError:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._out.clear()
        if not self.lost.done():
            self.lost.set_result(None)

    def send(self, command: tuple[bytes | str | int, ...]) -> None:
        """Send a command with what else is sent in this tick."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(hiredis.pack_command(command))  # type: ignore[arg-type]  # its stub forgets the ...

    def _flush(self) -> None:
        out, self._out = self._out, []
        if out and not self.lost.done():
            self._transport.write(b"".join(out))

    def close(self) -> None:
        """End the connection now: nothing is sent any more, and no reply comes in."""
        self.on_reply = _ignore
        self._transport.abort()
        self.connection_lost(None)


def _ignore(reply: object) -> None:
    pass
