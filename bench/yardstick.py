"""What one send() per delivery costs the kernel of this machine: the measure of every fan-out."""

import json
import multiprocessing
import os
import select
import socket
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bench.errors import BenchError
from bench.machine import Cores, pinned_to

Pair: TypeAlias = tuple[socket.socket, socket.socket]  # who sends, who receives

_PYTHON_SOCKETS = 200


@dataclass(frozen=True, slots=True)
class KernelSend:
    """The kernel's price of sends, measured while nothing else ran."""

    per_second: float
    cpu_us: float  # user and system time of the sending thread, per send


def measure_kernel_send(program: Path, cores: Cores, *, sockets: int, frame_bytes: int, sends: int) -> KernelSend:
    """Send frames to loopback sockets from the server's core, read on the load's core."""
    arguments = (sockets, max(1, sends // sockets), frame_bytes, cores.server, cores.load)
    result = subprocess.run([str(program), *map(str, arguments)], stdout=subprocess.PIPE, check=False)
    if result.returncode:
        raise BenchError("the yardstick failed; its reason is above")
    answer = json.loads(result.stdout)
    done = answer["sends"]
    return KernelSend(done / answer["seconds"], answer["cpu_seconds"] / done * 1e6)


def measure_in_python(cores: Cores, *, frame_bytes: int, sends: int) -> KernelSend:
    """Do the same with os.write, where there is no compiler: a little dearer, for the interpreter's part in it."""
    pairs = _connected_pairs(_PYTHON_SOCKETS)
    reader = multiprocessing.get_context("fork").Process(target=_read_until_closed, args=(pairs, cores.load))
    reader.start()
    frame, rounds = bytes(frame_bytes), max(1, sends // len(pairs))
    with pinned_to(cores.server):
        wall, cpu = time.perf_counter(), time.thread_time()
        for _ in range(rounds):
            for sender, _receiver in pairs:
                os.write(sender.fileno(), frame)
        wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
    _close(sender for sender, _receiver in pairs)
    reader.join()
    _close(receiver for _sender, receiver in pairs)
    done = rounds * len(pairs)
    return KernelSend(done / wall, cpu / done * 1e6)


def _connected_pairs(count: int) -> list[Pair]:
    pairs = []
    with socket.create_server(("127.0.0.1", 0), backlog=count) as listener:
        for _ in range(count):
            receiver = socket.create_connection(listener.getsockname())
            sender, _address = listener.accept()
            sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pairs.append((sender, receiver))
    return pairs


def _read_until_closed(pairs: list[Pair], core: int) -> None:
    _close(sender for sender, _receiver in pairs)  # our copies: or the end would never be seen
    poll = select.epoll()
    receivers = {receiver.fileno() for _sender, receiver in pairs}
    for descriptor in receivers:
        poll.register(descriptor, select.EPOLLIN)
    with pinned_to(core):
        while receivers:
            for descriptor, _event in poll.poll():
                if not os.read(descriptor, 1 << 16):
                    poll.unregister(descriptor)
                    receivers.discard(descriptor)


def _close(sockets: Iterable[socket.socket]) -> None:
    for each in sockets:
        each.close()
