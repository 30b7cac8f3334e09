"""A Redis Cluster of three masters, whose slots can be moved: real processes."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from redis import Redis

from tests.adapter.redis.servers import Server, valkey_binary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MASTERS = 3
SLOTS = 16_384
_TIMEOUT = 20.0
_OPTIONS = ("--cluster-enabled", "yes", "--cluster-node-timeout")
_PATIENT, _HASTY = "15000", "2000"
"""Milliseconds until a master counts as failed: one that stands still is no failure where nobody can take over."""


@dataclass(frozen=True)
class Moving:
    """A slot on its way from one master to another."""

    slot: int
    source: Any
    source_port: int
    target_port: int

    def keys_left(self) -> list[bytes]:
        """Return keys that the old master still has."""
        found: list[bytes] = self.source.execute_command("CLUSTER", "GETKEYSINSLOT", self.slot, 1_000)
        return found

    def hand_over(self, keys: Iterable[bytes]) -> None:
        if keys := list(keys):
            self.source.execute_command("MIGRATE", "127.0.0.1", self.target_port, "", 0, 5000, "KEYS", *keys)


class Masters:
    """A Redis Cluster. Each master has a third of the slots when it begins.

    :param with_replicas: have one for each master, in step with it.
    """

    def __init__(self, *, with_replicas: bool = False) -> None:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="shoal-redis-cluster-")))
            self._options = (*_OPTIONS, _HASTY if with_replicas else _PATIENT)
            self.servers = [self._server(folder / str(number), stack) for number in range(MASTERS)]
            self.replicas: list[Server] = []
            self._clients = [stack.enter_context(Redis(port=server.port)) for server in self.servers]
            bounds = [SLOTS * number // MASTERS for number in range(MASTERS + 1)]
            for number, client in enumerate(self._clients):
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            for server in self.servers[1:]:
                self._clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", server.port)
            self._wait_until("the masters find together", lambda: all(map(self._knows_all, self.servers)))
            self._ids = [client.execute_command("CLUSTER", "MYID").decode() for client in self._clients]
            if with_replicas:
                self._add_replicas(folder, stack)
            self._exit = stack.pop_all()

    def _add_replicas(self, folder: Path, stack: ExitStack) -> None:
        for number, master in enumerate(self._ids):
            replica = self._server(folder / f"replica-{number}", stack)
            replica.command("CLUSTER", "MEET", "127.0.0.1", str(self.servers[0].port))
            self._wait_until(
                "the replica knows its master",
                lambda replica=replica, master=master: "OK" in replica.command("CLUSTER", "REPLICATE", master),  # type: ignore[misc]
            )
            self.replicas.append(replica)
        self._wait_until(
            "replicas are in step",
            lambda: all("state=online" in server.command("INFO", "replication") for server in self.servers),
        )
        self._wait_until("all know all", lambda: all(map(self._knows_all, [*self.servers, *self.replicas])))

    def _server(self, folder: Path, stack: ExitStack) -> Server:
        folder.mkdir()
        server = Server(valkey_binary(), folder, self._options)
        server.start()
        stack.callback(server.kill)
        return server

    @staticmethod
    def _wait_until(what: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {_TIMEOUT} s"
            time.sleep(0.05)

    def _knows_all(self, server: Server) -> bool:
        info = server.command("CLUSTER", "INFO")
        known = len(self.servers) + len(self.replicas)
        return "cluster_state:ok" in info and f"cluster_known_nodes:{known}" in info

    def is_promoted(self, number: int) -> bool:
        """Tell whether the replica of a master has become one."""
        return "master" in self.replicas[number].command("ROLE")

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers)

    def slot_of(self, key: str) -> int:
        return int(self._clients[0].execute_command("CLUSTER", "KEYSLOT", key))

    def owner_of(self, slot: int) -> int:
        """Return which master has a slot, by its own account; for a moment, none may say so."""
        self._wait_until(f"somebody has slot {slot}", lambda: self._owner_of(slot) is not None)
        owner = self._owner_of(slot)
        assert owner is not None, "there was one just now"
        return owner

    def _owner_of(self, slot: int) -> int | None:
        ports = [server.port for server in self.servers]
        owners = [number for number, one in enumerate(self._clients) if self._told_owner(one, slot) == ports[number]]
        return owners[0] if len(owners) == 1 else None

    def wait_agreed(self, slot: int) -> None:
        """Wait until all masters say the same of who has a slot."""
        self._wait_until("masters agree", lambda: len({self._told_owner(one, slot) for one in self._clients}) == 1)

    @staticmethod
    def _told_owner(client: Any, slot: int) -> int:
        """Return the port of a slot's master as one of them tells it; 0 for none."""
        for first, last, (_, port, *_), *_ in client.execute_command("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return int(port)
        return 0

    def move(self, slot: int) -> None:
        """Hand a slot with its keys over to the next master, as ``redis-cli --cluster reshard`` does."""
        with self.moving(slot) as moving:
            moving.hand_over(moving.keys_left())

    def move_at_once(self, slot: int) -> None:
        """Hand a slot over to the next master as Valkey 9 does by itself: all of it in one moment."""
        old = self.owner_of(slot)
        new = (old + 1) % MASTERS
        source = self._clients[old]
        source.execute_command("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", self._ids[new])
        self._wait_until(f"slot {slot} has moved", lambda: self._owner_of(slot) == new)

    @contextmanager
    def moving(self, slot: int) -> Iterator[Moving]:
        """Begin to hand a slot over to the next master; leaving hands over what is left, and ends it."""
        old = self.owner_of(slot)
        new = (old + 1) % MASTERS
        source, target = self._clients[old], self._clients[new]
        target.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", self._ids[old])
        source.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", self._ids[new])
        moving = Moving(slot, source, self.servers[old].port, self.servers[new].port)
        yield moving
        while keys := moving.keys_left():
            moving.hand_over(keys)
        target.execute_command("CLUSTER", "SETSLOT", slot, "NODE", self._ids[new])
        source.execute_command("CLUSTER", "SETSLOT", slot, "NODE", self._ids[new])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._exit.close()
