"""One client's socket: bytes in, effects carried out, bytes out. No task, timer or queue of its own.

GREETING --establish--> OPEN --end, or the other side's close--> CLOSING --transport gone--> CLOSED
    └--------------------------------end-------------------------▲
"""

from __future__ import annotations

import asyncio
import enum
import socket
import struct
from typing import TYPE_CHECKING

from websockets.protocol import OPEN

from server.connection.websocket import BINARY, OVERSIZED, WebSocket
from server.protocol import events
from server.protocol.frames import text_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.hub.hub import Hub
    from server.metrics import AppCounters
    from server.protocol.codes import Close
    from server.protocol.session import Session

TURN = 4096
"""Bytes of one client's that are handled before others get a turn. What it sends beyond that, or while it doesn't take
what it is sent, stays in its own system's buffers."""
ABNORMAL_CLOSURE = 1006

# struct tcp_info of Linux: bytes_acked is the unsigned 64-bit number at 120. Elsewhere there is no such option.
_TCP_INFO: int | None = getattr(socket, "TCP_INFO", None)
_BYTES_ACKED = struct.Struct("=120xQ")


class State(enum.Enum):
    GREETING = enum.auto()
    OPEN = enum.auto()
    CLOSING = enum.auto()
    CLOSED = enum.auto()


class Connection(asyncio.Protocol):
    """The socket of one client. Fulfils :class:`server.hub.client.Client`."""

    __slots__ = (
        "_hub",
        "_is_choked",
        "_on_lost",
        "_rest",
        "_state",
        "_transport",
        "_ws",
        "counters",
        "session",
        "write",
    )

    def __init__(
        self, transport: asyncio.Transport, ws: WebSocket, *, hub: Hub, on_lost: Callable[[Connection], None]
    ) -> None:
        self._transport = transport
        self._ws = ws
        self._hub = hub
        self._on_lost = on_lost
        self._state = State.GREETING
        # What has been read and waits for its turn. Invariant: while there is any, reading is paused, and a turn is due
        # or is waited for: that of a client that is admitted, or takes what it is sent.
        self._rest = b""
        self._is_choked = False
        # Set when it is established, and for ever after.
        self.session: Session
        self.counters: AppCounters
        # Finished frames go straight to the transport: this is called once per subscriber and tick.
        self.write: Callable[[bytes], object] = transport.write

    # The hub's side

    @property
    def unsent(self) -> int:
        return self._transport.get_write_buffer_size() if self._state is not State.CLOSED else 0

    @property
    def is_greeting(self) -> bool:
        return self._state is State.GREETING

    @property
    def random_id(self) -> str:
        """A socket id: unique in the cluster without asking anybody, and no hint at others."""
        # The library draws a random UUID for each connection; its first and last 32 bits have no fixed part.
        number = self._ws.id.int
        return f"{number >> 96}.{number & 0xFFFFFFFF}"

    def establish(self, session: Session, counters: AppCounters, activity_timeout: float) -> None:
        """Greet the client and let it speak."""
        self.session = session
        self.counters = counters
        self._state = State.OPEN
        self._ws.limit(session.app.max_frame_bytes)
        self.write(text_frame(events.connection_established(session.socket_id, activity_timeout)))
        self._hub.register(self)
        self._take_turn()

    def await_admission(self) -> None:
        """Let the client wait with whatever it has to say."""
        self._transport.pause_reading()

    def limit(self, max_message_bytes: int) -> None:
        self._ws.limit(max_message_bytes)

    def probe(self) -> None:
        self._ws.send_ping(b"")
        self._write_answers()

    def end(self, close: Close) -> None:
        if self._state in (State.CLOSING, State.CLOSED):
            return
        was_waiting = self._state is State.GREETING or self._is_choked
        self._state = State.CLOSING
        self.write(text_frame(events.error(close.reason, close.code)))
        if self._ws.state is OPEN:
            self._ws.send_close(close.code, close.reason)
        self._write_answers()
        if was_waiting:
            # The answer to our close frame is yet to be read.
            self._go_on()

    def hang_up(self) -> None:
        if self._state is not State.CLOSED:
            self._transport.close()

    def abort(self) -> None:
        if self._state is not State.CLOSED:
            self._transport.abort()

    def acknowledged(self) -> int | None:
        sock = self._transport.get_extra_info("socket")
        if _TCP_INFO is None or sock is None or sock.family == socket.AF_UNIX:
            return None
        try:
            info = sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _BYTES_ACKED.size)
        except OSError:
            return None
        return int(_BYTES_ACKED.unpack(info)[0]) if len(info) == _BYTES_ACKED.size else None

    # The transport's side

    def data_received(self, data: bytes) -> None:
        if self._state is State.OPEN:
            self.session.heard(now=self._hub.now())
        if self._rest or self._must_wait or len(data) > TURN:
            is_first = not self._rest
            self._rest += data
            if not self._transport.is_closing():
                self._transport.pause_reading()
            if is_first:
                self._take_turn()
        else:
            self._handle(data)

    @property
    def _must_wait(self) -> bool:
        return self._state is State.GREETING or (self._state is State.OPEN and self._is_choked)

    def _take_turn(self) -> None:
        """Handle some of what waits, and let others have a turn before the rest."""
        if self._state is State.CLOSED or self._must_wait:
            return
        data, self._rest = self._rest[:TURN], self._rest[TURN:]
        if data:
            self._handle(data)
        self._go_on()

    def _go_on(self) -> None:
        """Have what waits handled in the next turn or, if nothing waits, read on."""
        if self._rest:
            asyncio.get_running_loop().call_soon(self._take_turn)
        elif not self._transport.is_closing():
            self._transport.resume_reading()

    def _handle(self, data: bytes) -> None:
        now = self._hub.now()
        for message in self._ws.messages(data):
            # A message may have been the last: what follows our close is nobody's.
            if self._state is not State.OPEN:
                break
            self._receive(message, now)
        # Leaving the hub first: what was gathered for this client comes before its close frame, nothing after it.
        if self._ws.state is not OPEN and self._state is State.OPEN:
            self._closed_by_peer()
        if self._ws.writes:
            self._write_answers()

    def _receive(self, message: object, now: float) -> None:
        session = self.session
        if message is OVERSIZED:
            effects = session.receive_oversized()
        elif message is BINARY:
            effects = session.receive_binary()
        else:
            assert isinstance(message, bytes | bytearray), "there is no other kind of message"
            self.counters.messages_received += 1
            self.counters.bytes_received += len(message)
            effects = session.receive(message, now=now)
        self._hub.carry_out(self, effects)

    def _write_answers(self) -> None:
        """Write what the WebSocket protocol itself has to say; an empty piece is the end."""
        for data in self._ws.data_to_send():
            if data:
                self.write(data)
            else:
                self._transport.close()

    def _closed_by_peer(self) -> None:
        """React to the peer's close frame, or to a breach of RFC 6455 that the library has answered with one."""
        self._state = State.CLOSING
        received = self._ws.close_rcvd
        if received is not None:
            self._hub.lost(self, code=received.code, is_clean=True)
        else:
            sent = self._ws.close_sent
            self._hub.lost(self, code=sent.code if sent else ABNORMAL_CLOSURE, is_clean=False)

    def pause_writing(self) -> None:
        # Called from within a write, so this must not do more than take note.
        self._is_choked = True
        if self._state is State.OPEN:
            self._hub.slow.add(self)

    def resume_writing(self) -> None:
        self._is_choked = False
        self._hub.slow.discard(self)
        if self._rest:
            asyncio.get_running_loop().call_soon(self._take_turn)

    def eof_received(self) -> None:
        """Let the transport close: a WebSocket without its close frame is over."""

    def connection_lost(self, exc: Exception | None) -> None:
        was_open = self._state is State.OPEN
        self._state = State.CLOSED
        if was_open:
            self._hub.lost(self, code=ABNORMAL_CLOSURE, is_clean=False)
        self._hub.gone(self)
        self._on_lost(self)
        self._ws.dispose()
        # The bound method keeps the transport, which keeps this object.
        self.write = _discard


def _discard(_: bytes) -> None:
    """Write nothing: the transport is gone."""
