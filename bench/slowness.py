"""How much slower this machine is at Python than the one on which the absolute reaches were set.

A machine that is shared, virtual or old can be several times slower, and then 90 us a publish is out of reach for
any code. The verdict stands as measured; beside it goes what the same code would have done there, by estimate.
"""

import time

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from bench.machine import pinned_to

_FRAMES = 5000
_PAYLOAD = bytes(150)
_THERE_US = 2.2  # of CPU, to read such a frame with the same library

_UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2hvYWwgYmVuY2htYXJrcw==\r\n\r\n"
)


def measure_slowness(core: int) -> float:
    """Return how many times longer it takes here to read a client's frame; 1 is as fast as there."""
    protocol, frame = _open_protocol(), Frame(Opcode.TEXT, _PAYLOAD).serialize(mask=True)
    with pinned_to(core):
        start = time.process_time()
        for _ in range(_FRAMES):
            protocol.receive_data(frame)
            protocol.events_received()
        return (time.process_time() - start) / _FRAMES * 1e6 / _THERE_US


def _open_protocol() -> ServerProtocol:
    protocol = ServerProtocol()
    protocol.receive_data(_UPGRADE)
    (request,) = protocol.events_received()
    assert isinstance(request, Request), "a server's first event"
    protocol.send_response(protocol.accept(request))
    protocol.data_to_send()
    return protocol
