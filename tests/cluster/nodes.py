"""Several nodes with one Redis, each behind a proxy of its own: what is broken on purpose in these tests."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from tests.adapter.redis.servers import Server, valkey_binary
from tests.cluster.proxy import Proxy
from tests.harness import start_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tests.harness import RunningNode

APP: dict[str, Any] = {
    "id": "1001",
    "key": "key-1001",
    "secret": "secret-1001",
    "client_events": True,
    "watchlists": True,
    "max_client_events_per_second": 10_000,
    "max_presence_members": 2_000,
}

_SETTINGS = {"SHOAL_CLOSE_TIMEOUT": "0.2", "SHOAL_ABORT_TIMEOUT": "0.3"}
"""Nodes needn't wait at the end for clients who, since the test is over, don't answer their close frames."""


@dataclass
class Member:
    """One node of the cluster, and its link to Redis."""

    name: str
    link: Proxy
    node: RunningNode
    settings: Mapping[str, str] = field(default_factory=dict)
    is_paused: bool = False
    # What processes that were killed had complained about.
    problems: list[str] = field(default_factory=list)

    @property
    def is_linked(self) -> bool:
        """Whether its connections to Redis are in use, by what it says itself."""
        log = self.node.log()
        return log.rfind("connected to Redis again") >= log.rfind("connection to Redis lost")

    def gaps(self) -> int:
        """Return how often it said that messages had been missing."""
        return self.node.log().count("messages are missing")

    def pause(self) -> None:
        """Stop the process as a hanging machine would; its connections stay."""
        self.node.signal(signal.SIGSTOP)
        self.is_paused = True

    def go_on(self) -> None:
        self.node.signal(signal.SIGCONT)
        self.is_paused = False

    def kill(self) -> None:
        """End the process without warning."""
        self.node.signal(signal.SIGKILL)
        self.node.stop(check=False)
        self.problems += self.node.problems()
        self.is_paused = False


class Cluster:
    """Nodes that are ready. Leaving its ``with`` block mends what is broken and ends them; it fails if one complains.

    :param settings: ``SHOAL_*`` variables of all nodes.
    :param server_options: of Redis' command line.
    :param per_node: more settings, by the number of the node.
    """

    def __init__(
        self,
        count: int = 3,
        *,
        settings: Mapping[str, str] | None = None,
        app: Mapping[str, Any] | None = None,
        server_options: Iterable[str] = (),
        per_node: Mapping[int, Mapping[str, str]] | None = None,
    ) -> None:
        self._settings = _SETTINGS | dict(settings or {})
        self._app = APP | dict(app or {})
        self._exit = ExitStack()
        with ExitStack() as stack:
            folder = stack.enter_context(TemporaryDirectory(prefix="shoal-redis-"))
            self.redis = Server(valkey_binary(), Path(folder), tuple(server_options))
            self.redis.start()
            stack.callback(self.redis.kill)
            links = [stack.enter_context(Proxy(self.redis.port)) for _ in range(count)]
            nodes = together(lambda number: self._start(links[number], (per_node or {}).get(number, {})), range(count))
            self.members = [
                Member("ABCDEFGH"[number], links[number], node, (per_node or {}).get(number, {}))
                for number, node in enumerate(nodes)
            ]
            self._exit = stack.pop_all()

    def _start(self, link: Proxy, more: Mapping[str, str]) -> RunningNode:
        return start_node(self._settings | {"SHOAL_REDIS": link.url} | dict(more), apps=[self._app])

    @property
    def nodes(self) -> list[RunningNode]:
        return [member.node for member in self.members]

    def add(self) -> Member:
        """Start one more node."""
        link = self._exit.enter_context(Proxy(self.redis.port))
        member = Member("ABCDEFGH"[len(self.members)], link, self._start(link, {}))
        self.members.append(member)
        return member

    def replace(self, member: Member) -> None:
        """Start a killed node again, on another port."""
        member.node = self._start(member.link, member.settings)

    def heal(self) -> None:
        """Mend what was broken, but for killed nodes."""
        if self.redis.process is None:
            self.redis.start()
        self.redis.go_on()
        for member in self.members:
            member.link.heal()
            if member.is_paused:
                member.go_on()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *exc: object) -> None:
        with self._exit:
            self.heal()
            together(lambda member: member.node.stop(check=kind is None and member.node.is_running), self.members)
            assert kind is not None or not any(member.problems for member in self.members), self.members


@contextmanager
def running_nodes(url: str, count: int = 3) -> Iterator[list[RunningNode]]:
    """Run nodes with a Redis that is somebody else's; they fail if they complain."""
    nodes = together(lambda _: start_node(_SETTINGS | {"SHOAL_REDIS": url}, apps=[APP]), range(count))
    try:
        yield nodes
        together(lambda node: node.stop(), nodes)
    finally:
        together(lambda node: node.stop(check=False), nodes)


def together(work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """Do something for all at once, each in a thread."""
    with ThreadPoolExecutor(16) as threads:
        return list(threads.map(work, items))
