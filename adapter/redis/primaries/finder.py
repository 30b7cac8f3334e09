"""Which server is the primary just now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from adapter.redis.errors import LinkLost, Misconfigured, Refusal
from adapter.redis.link.link import open_link
from adapter.redis.primaries.startup import explain

if TYPE_CHECKING:
    from adapter.redis.link.place import Place, Sentinel
    from adapter.redis.options import RedisOptions


class Finder(Protocol):
    """Finds the server of one partition."""

    async def find(self) -> Place:
        """Return where it is.

        :raises LinkLost: if nobody knows just now.
        :raises Misconfigured: if nobody ever will.
        """

    def doubt(self) -> None:
        """Note that what was found last was of no use."""


class FixedFinder:
    """A server that is always at the same address."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def __str__(self) -> str:
        return str(self._place)

    async def find(self) -> Place:
        return self._place

    def doubt(self) -> None:
        """There is no other place."""


class SentinelFinder:
    """Asks the Sentinels, each time, starting with the one that knew it last; those that told nothing come last."""

    def __init__(self, target: Sentinel, options: RedisOptions) -> None:
        self._name = target.name
        self._place = target.place
        self._sentinels = list(target.sentinels)
        # Those that told nothing when they were asked last.
        self._silent: set[Place] = set()
        self._options = options

    def __str__(self) -> str:
        return self._name

    async def find(self) -> Place:
        mistakes: list[Misconfigured] = []
        why: Exception | None = None
        for sentinel in sorted(self._sentinels, key=self._silent.__contains__):
            try:
                found = await self._ask(sentinel)
            except LinkLost as exc:
                why = exc
            except Misconfigured as exc:
                mistakes.append(exc)
            else:
                self._silent.discard(sentinel)
                self._sentinels.remove(sentinel)
                self._sentinels.insert(0, sentinel)
                return found
            self._silent.add(sentinel)
        if len(mistakes) == len(self._sentinels):
            raise mistakes[0]
        raise LinkLost(f"no Sentinel names the primary: {why}")

    def doubt(self) -> None:
        """Ask the one that named it after the others: cut off from them, it tells nothing but old news."""
        self._sentinels.append(self._sentinels.pop(0))

    async def _ask(self, sentinel: Place) -> Place:
        try:
            address = await self._address(sentinel)
        except Refusal as exc:
            if "unknown command" in str(exc):
                raise Misconfigured(f"{sentinel} is no Sentinel ({exc}): write redis://, or a Sentinel's port") from exc
            raise explain(f"Sentinel {sentinel}", exc) from exc
        if address is None:
            raise Misconfigured(f"Sentinel {sentinel} knows no primary called {self._name!r}: correct the URL's path")
        host, port = address
        return self._place.at(host.decode(), int(port))

    async def _address(self, sentinel: Place) -> Any:
        options = self._options
        link = await open_link(sentinel, connect_timeout=options.connect_timeout, answer_timeout=options.answer_timeout)
        try:
            return await link.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._name)
        finally:
            link.wire.close()
