"""RFC 6455 as the `websockets` library does it, without I/O; and a message that is too long costs only itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

from websockets.datastructures import Headers
from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

# Not Sec-WebSocket-Protocol: none is ever agreed on, and an empty one, which the library would refuse, means none.
_HANDSHAKE_HEADERS = frozenset((b"connection", b"upgrade", b"sec-websocket-key", b"sec-websocket-version"))
_DATA = (Opcode.TEXT, Opcode.CONT, Opcode.BINARY)


class Oversized:
    """A message longer than the limit, of which nothing was kept."""


class Binary:
    """A binary message: nobody speaks so here."""


OVERSIZED, BINARY = Oversized(), Binary()

Message: TypeAlias = "bytearray | bytes | Oversized | Binary"


class _BoundedReader(StreamReader):
    """Reads what is asked for or, where that is more than the limit, discards it as it comes."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        # Whether the last payload was discarded.
        self.has_skipped = False

    def read_exact(self, n: int) -> Generator[None, None, bytearray]:
        if n > self.limit:
            return (yield from self._skip(n))
        while len(self.buffer) < n:
            if self.eof:
                raise EOFError(f"stream ends after {len(self.buffer)} bytes, expected {n} bytes")
            yield
        data = self.buffer[:n]
        del self.buffer[:n]
        return data

    def _skip(self, n: int) -> Generator[None, None, bytearray]:
        self.has_skipped = True
        while n:
            taken = min(n, len(self.buffer))
            del self.buffer[:taken]
            n -= taken
            if n and self.eof:
                raise EOFError(f"stream ends {n} bytes before the end of a frame")
            if n:
                yield
        return bytearray()


class WebSocket(ServerProtocol):
    """One WebSocket, server side, from the first frame on; compression is off."""

    def __init__(self, *, max_message_bytes: int) -> None:
        # The request was read by the HTTP server, so frames are what comes first.
        super().__init__(state=OPEN, max_size=None)
        self._reader = _BoundedReader(max_message_bytes)
        self.reader = self._reader
        self.parser = self.parse()
        next(self.parser)
        # The fragments of a message so far; None between messages, empty once they are too long.
        self._fragments: bytearray | None = None
        self._is_too_long = False
        self._is_binary = False
        # Those that the bytes taken in just now have completed.
        self._messages: list[Message] = []

    def limit(self, max_message_bytes: int) -> None:
        """Change the limit on messages."""
        self._reader.limit = max_message_bytes

    def answer(self, path: str, headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bool]:
        """Answer the handshake's request.

        :returns: the response's bytes, and whether this is a WebSocket from now on.
        """
        fields = Headers()
        for name, value in headers:
            # The others are nobody's business here, and there are many in a browser's request.
            if name in _HANDSHAKE_HEADERS:
                fields[name.decode("ascii")] = value.decode("latin-1")
        response = self.accept(Request(path, fields))
        return response.serialize(), response.status_code == HTTPStatus.SWITCHING_PROTOCOLS

    def messages(self, data: bytes) -> list[Message]:
        """Take in bytes; return the messages that they complete. What is to be answered is in ``data_to_send()``."""
        self.receive_data(data)
        messages, self._messages = self._messages, []
        return messages

    def recv_frame(self, frame: Frame) -> None:
        """Take one frame from the parser: only here is it known whether it was this one that was skipped."""
        skipped, self._reader.has_skipped = self._reader.has_skipped, False
        if skipped and frame.opcode not in _DATA:
            raise ProtocolError("control frame too long")
        super().recv_frame(frame)
        self.events.clear()
        if frame.opcode in _DATA and (message := self._assemble(frame, skipped)) is not None:
            self._messages.append(message)

    def _assemble(self, frame: Frame, skipped: bool) -> Message | None:
        if frame.fin and frame.opcode is Opcode.TEXT:
            return OVERSIZED if skipped else bytes(frame.data)
        if frame.opcode is not Opcode.CONT:
            self._fragments, self._is_too_long, self._is_binary = bytearray(), False, frame.opcode is Opcode.BINARY
        assert self._fragments is not None, "the library refuses a continuation of nothing"
        self._is_too_long |= skipped or len(self._fragments) + len(frame.data) > self._reader.limit
        if self._is_too_long:
            self._fragments.clear()
        else:
            self._fragments += frame.data
        return self._finish() if frame.fin else None

    def _finish(self) -> bytearray | Oversized | Binary:
        message, self._fragments = self._fragments, None
        assert message is not None, "only a begun message is finished"
        if self._is_binary:
            return BINARY
        return OVERSIZED if self._is_too_long else message

    def dispose(self) -> None:
        """Break the reference cycles with the parser and with what was raised, so that the memory is free at once."""
        self.parser.close()
        del self.parser
        _forget_frames(self.parser_exc)
        _forget_frames(self.handshake_exc)
        self.parser_exc = self.handshake_exc = None


def _forget_frames(exc: BaseException | None) -> None:
    while exc is not None:
        exc.__traceback__ = None
        exc = exc.__cause__


__all__ = ["BINARY", "OVERSIZED", "Binary", "Message", "Oversized", "WebSocket"]
