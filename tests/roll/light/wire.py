"""One connection of a light client: the WebSocket, and the messages of the Pusher protocol on it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import msgspec
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.protocol import CONNECTING, OPEN
from websockets.uri import parse_uri

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ABNORMAL = 1006
_CHUNK = 65_536


class NoHandshake(Exception):
    """The WebSocket's handshake failed; the text says how, in the log's words."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect, and as whose client."""

    host: str
    port: int
    key: str
    secret: str

    @property
    def url(self) -> str:
        return f"ws://{self.host}:{self.port}/app/{self.key}?protocol=7&client=light&version=1.0"

    def sign(self, text: str) -> str:
        """Return the ``auth`` for a text, as the application's back end would."""
        return f"{self.key}:{hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()}"


class Message(msgspec.Struct):
    """A message from the server."""

    event: str
    channel: str | None = None
    data: Any = None


_decode_message = msgspec.json.Decoder(Message).decode


class Wire:
    """A WebSocket whose handshake is done."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, protocol: ClientProtocol) -> None:
        self._reader, self._writer, self._protocol = reader, writer, protocol
        self._frames: list[Frame] = []

    @classmethod
    async def connect(cls, address: Address) -> Self:
        """Connect, and shake hands.

        :raises NoHandshake: if that doesn't work out.
        """
        try:
            reader, writer = await asyncio.open_connection(address.host, address.port)
        except OSError:
            raise NoHandshake("refused") from None
        wire = cls(reader, writer, ClientProtocol(parse_uri(address.url), max_size=None))
        try:
            await wire._shake_hands()
        except BaseException:
            writer.transport.abort()
            raise
        return wire

    async def _shake_hands(self) -> None:
        self._protocol.send_request(self._protocol.connect())
        while self._protocol.state is CONNECTING and self._protocol.handshake_exc is None and await self._receive():
            pass
        failure = self._protocol.handshake_exc
        if isinstance(failure, InvalidStatus):
            raise NoHandshake(f"status {failure.response.status_code}")
        if self._protocol.state is CONNECTING:
            raise NoHandshake("cut off")

    async def messages(self) -> AsyncIterator[Message]:
        """Yield each message; end when the connection does, which is answered as the protocol demands."""
        while True:
            for frame in self._frames:
                if frame.opcode is Opcode.TEXT:
                    yield _decode_message(frame.data)
            self._frames.clear()
            if self._protocol.close_rcvd is not None or not await self._receive():
                return

    @property
    def close_code(self) -> int:
        """What the other side closed with; 1006 if it was cut off."""
        return self._protocol.close_rcvd.code if self._protocol.close_rcvd else ABNORMAL

    def send(self, event: str, data: object) -> None:
        """Send a message; nothing once the other side has closed, which may have come together with the question."""
        if self._protocol.state is not OPEN:
            return
        self._protocol.send_text(json.dumps({"event": event, "data": data}).encode())
        self._flush()

    def leave(self) -> None:
        """Close cleanly."""
        self._protocol.send_close(1000)
        self._flush()

    def hang_up(self) -> None:
        """Let go of the socket, once everything is written."""
        self._writer.close()

    async def _receive(self) -> bool:
        """Take in what comes next; return whether anything did."""
        self._flush()
        try:
            data = await self._reader.read(_CHUNK)
        except OSError:
            data = b""
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._frames += [event for event in self._protocol.events_received() if isinstance(event, Frame)]
        self._flush()
        return bool(data)

    def _flush(self) -> None:
        """Send what there is; an empty piece asks to end our side, which is done when hanging up."""
        self._writer.write(b"".join(self._protocol.data_to_send()))
