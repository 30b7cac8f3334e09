"""One HTTP connection, within limits: uvicorn's protocol, hardened.

uvicorn parses (httptools) and speaks ASGI. This subclass adds what a port on the open internet needs, and leans on
internals of uvicorn 0.54 to do so:

- A request's head, its body, and the requests that wait on one connection have bounds.
- The application starts when a request is complete. A slow, broken or oversized one never reaches it, costs no task,
  and is answered here.
- A client that keeps silent, dawdles over its request, or doesn't take its response, is ended.
- A WebSocket gets the transport and every byte behind its request; nothing of the HTTP connection remains, not even
  for the garbage collector.
- An upgrade to anything else is ignored (RFC 9110, 7.8) without losing the body: Java's client begins with h2c.

The request that is being received:

    BETWEEN --first byte--> HEAD --end of headers--> BODY --last byte--> BETWEEN
       HEAD or BODY --limit, syntax, timeout--> REFUSED (whatever still arrives is thrown away)

Responses leave in the order of their requests. `_turn` is the request that may be answered now; complete ones behind
it wait in uvicorn's `pipeline`; a refusal waits until both are empty.
"""

from __future__ import annotations

import enum
import logging
from typing import TYPE_CHECKING

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.listener import refusals
from server.listener.address import client_address, client_is_tls, forwarded
from server.listener.refusals import RefusedError
from server.listener.request_size import RequestSize
from server.listener.upgrade import Upgrade, has_body, is_websocket, without_upgrade

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import ASGI3Application
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from server.listener.refusals import Refusal
    from server.listener.state import ListenerState

logger = logging.getLogger(__name__)

MAX_PIPELINED = 128
"""Requests that may wait for their turn on one connection. One read of 256 KiB could bring thousands."""


class _Phase(enum.Enum):
    BETWEEN = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    REFUSED = enum.auto()


class HttpProtocol(HttpToolsProtocol):
    """Serve HTTP/1.1 on one connection until it ends or becomes a WebSocket."""

    def __init__(self, config: Config, state: ListenerState, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config, state, {}, loop)
        self._state = state
        self._phase = _Phase.BETWEEN
        self._size = RequestSize(state.limits.max_header_bytes, state.limits.max_body_bytes)
        # Whether the current read brought the end of a request, so that not all of it belongs to the next.
        self._read_ended_one = False
        # None when every complete request has been answered.
        self._turn: RequestResponseCycle | None = None
        # Invariant: not None if and only if REFUSED.
        self._refusal: Refusal | None = None
        # What the transport held back when we last looked, while the client doesn't take it.
        self._unsent = 0

    # -- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer, port = self.client or ("", 0)
        self.client = (client_address(peer, (), 0), port)
        self._state.requests.start(self)
        if self._state.is_closed:
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        # uvicorn tells the request that came last, which isn't the one being answered when some are pipelined.
        if self._turn is not None:
            self._turn.disconnected = True
            self._turn.message_event.set()
        super().connection_lost(exc)
        self._let_go()

    def shutdown(self) -> None:
        """End the connection after what it has begun; at once when that is nothing."""
        if self._turn is None and self._phase in (_Phase.BETWEEN, _Phase.REFUSED):
            self._close()

    def _close(self) -> None:
        self.transport.close()
        # What is still unsent must be taken in time.
        self._state.requests.start(self)

    def _let_go(self) -> None:
        """Break the cycles (with the parser, with requests that never ran), so that counting references frees all."""
        self._state.forget(self)
        self.pipeline.clear()
        self._turn = None
        self.cycle = self.parser = self.scope = None  # type: ignore[assignment]

    # -- deadlines

    def waited_too_long(self) -> None:
        """End the connection: what it was waiting for has not come in time."""
        if self.transport.is_closing() or (self._phase is _Phase.REFUSED and self._turn is None):
            self.transport.abort()
        elif self.flow.write_paused:
            self._abort_unless_it_reads()
        elif self._waits_for_us():
            self._state.requests.start(self)
        elif self._phase is _Phase.BETWEEN:
            self._close()
        else:
            self._refuse(refusals.TOO_SLOW)
            self._close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent = self.transport.get_write_buffer_size()
        self._state.requests.start(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._phase is _Phase.BETWEEN and not self.transport.is_closing():
            self._state.requests.stop(self)

    def _abort_unless_it_reads(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent >= self._unsent:
            self.transport.abort()
        else:
            self._unsent = unsent
            self._state.requests.start(self)

    def _waits_for_us(self) -> bool:
        """Tell whether an earlier request is still being answered; meanwhile uvicorn may have paused reading."""
        receiving = self.cycle if self._phase is _Phase.BODY else None
        return self._turn is not None and self._turn is not receiving

    # -- bytes in

    def data_received(self, data: bytes) -> None:
        self._read_ended_one = False
        unread: bytes | None = data
        while unread is not None and self._phase is not _Phase.REFUSED:
            unread = self._read(unread)

    def _read(self, data: bytes) -> bytes | None:
        """Parse; return what must be parsed again, as it began with a wish for another protocol."""
        try:
            self.parser.feed_data(data)
            if self._phase is not _Phase.BETWEEN:
                self._weigh(len(data))
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
        except (httptools.HttpParserError, RefusedError) as error:
            self._refuse(_refusal_of(error))
            return None
        else:
            return None
        # Not within `except`, or every error over there would seem to be caused by the parser's.
        return self._upgrade(rest)

    def _weigh(self, size: int) -> None:
        """Take note of a read that left a request incomplete: it has a deadline and a size."""
        if self not in self._state.requests:
            self._state.requests.start(self)
        if not self._read_ended_one:
            self._size.add_incomplete_read(size, in_head=self._phase is _Phase.HEAD)

    # -- called by the parser, which a RefusedError leaves

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase = _Phase.HEAD
        self._size.begin()
        self._state.idle.stop(self)

    def on_headers_complete(self) -> None:
        self._size.check_head(self.url, self.headers)
        if self.parser.should_upgrade():
            # The rest of the decision is made where the bytes behind the request are known.
            self._check_upgrade()
            return
        if len(self.pipeline) >= MAX_PIPELINED:
            raise RefusedError(refusals.too_many_pipelined(MAX_PIPELINED))
        self._state.refresh_headers()
        if self._state.limits.trusted_hops:
            self.scope["client"] = (self._peer(), 0)
            self.scope["scheme"] = "https" if self._is_tls() else "http"
        super().on_headers_complete()
        self._phase = _Phase.BODY
        # A trailer isn't a header (RFC 9110, 6.5.1): the application's list ends here.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        # uvicorn would pause reading at 64 KiB until the application takes some, but that starts only at the end.
        self._size.add_body(len(body))
        self.cycle.body += body

    def on_message_complete(self) -> None:
        if self._phase is not _Phase.BODY:
            return
        self._phase = _Phase.BETWEEN
        self._read_ended_one = True
        self._state.requests.stop(self)
        self.cycle.more_body = False
        self.cycle.message_event.set()
        if self._turn is self.cycle:
            super()._start_asgi_task(self.cycle, self.app)

    # -- answers, each in its turn

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Give the turn to a request; it starts now, or when it is complete."""
        self._turn = cycle
        if not cycle.more_body:
            super()._start_asgi_task(cycle, app)
        elif cycle.waiting_for_100_continue:
            cycle.waiting_for_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_response_complete(self) -> None:
        """Pass the turn on. In place of uvicorn's method, whose keep-alive takes a timer per connection."""
        self._state.total_requests += 1
        self._turn = None
        if self.transport.is_closing():
            self._state.requests.start(self)
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal is not None:
            self._send_refusal(self._refusal)
        elif self._phase is _Phase.BETWEEN:
            self._rest()

    def _rest(self) -> None:
        if self._state.is_closed:
            self._close()
        else:
            self._state.idle.start(self)

    def _refuse(self, refusal: Refusal) -> None:
        """Answer the request being received with an error and end the connection; both when it has its turn."""
        logger.debug("! %s refused with %d: %s", self.client, refusal.status, refusal.text)
        self._state.refused[refusal.status] += 1
        if self._phase is _Phase.BODY:
            self._withdraw()
        self._phase = _Phase.REFUSED
        self._refusal = refusal
        if self._turn is None:
            self._send_refusal(refusal)

    def _withdraw(self) -> None:
        """Forget the request being received, which the application hasn't seen."""
        if self._turn is self.cycle:
            self._turn = None
        else:
            self.pipeline.popleft()
        self.cycle = None  # type: ignore[assignment]

    def _send_refusal(self, refusal: Refusal) -> None:
        """Answer, and close our half of the connection.

        The other half stays open for a while: closing it on a client that still sends would reset the connection, and
        the client would lose our answer (RFC 9112, 9.6).
        """
        if self.transport.is_closing():
            return
        self._state.refresh_headers()
        self.transport.write(refusal.response(self._state.default_headers))
        self._state.idle.stop(self)
        self._state.requests.start(self)
        if self.transport.can_write_eof():
            self.transport.write_eof()

    # -- upgrades

    def _wants_websocket(self) -> bool:
        if self._state.on_upgrade is None:
            return False
        return is_websocket(self.parser.get_method(), self.parser.get_http_version(), self.headers)

    def _check_upgrade(self) -> None:
        """Refuse what can become neither a WebSocket nor an ordinary request."""
        if self.parser.get_method() == b"CONNECT":
            raise RefusedError(refusals.NOT_A_PROXY)
        if self._wants_websocket():
            if has_body(self.headers):
                raise RefusedError(refusals.HANDSHAKE_WITH_BODY)
            if self._turn is not None:
                raise RefusedError(refusals.HANDSHAKE_PIPELINED)
            httptools.parse_url(self.url)

    def _upgrade(self, rest: bytes) -> bytes | None:
        """Hand a WebSocket over, or return the request without its wish for an upgrade."""
        if self._wants_websocket() and self._hand_over(rest):
            return None
        method, version = self.parser.get_method(), self.parser.get_http_version()
        return without_upgrade(method, self.url, version, self.headers) + rest

    def _hand_over(self, rest: bytes) -> bool:
        """Leave the transport to a WebSocket, unless the handler declines."""
        transport, flow = self.transport, self.flow
        assert self._state.on_upgrade is not None, "a WebSocket is wanted only where there is a handler"
        protocol = self._state.on_upgrade(self._describe())
        if protocol is None:
            return False
        self._let_go()
        transport.set_protocol(protocol)
        # A transport tells when its buffer fills, not while it is full: who comes later must be told.
        if flow.write_paused:
            protocol.pause_writing()
        if rest and not transport.is_closing():
            protocol.data_received(rest)
        return True

    def _describe(self) -> Upgrade:
        url = httptools.parse_url(self.url)
        return Upgrade(
            path=(url.path or b"/").decode("latin-1"),
            query=url.query or b"",
            headers=self.headers,
            transport=self.transport,
            peer=self._peer(),
            is_tls=self._is_tls(),
        )

    # -- the client

    def _peer(self) -> str:
        assert self.client is not None, "connection_made sees to it"
        peer, hops = self.client[0], self._state.limits.trusted_hops
        return client_address(peer, forwarded(self.headers, b"x-forwarded-for"), hops) if hops else peer

    def _is_tls(self) -> bool:
        is_tls, hops = self.scheme == "https", self._state.limits.trusted_hops
        return client_is_tls(is_tls, forwarded(self.headers, b"x-forwarded-proto"), hops) if hops else is_tls


def _refusal_of(error: Exception) -> Refusal:
    """Find out why the parser stopped: it wraps what its callbacks raise."""
    cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else error
    return cause.refusal if isinstance(cause, RefusedError) else refusals.NOT_HTTP
