"""Which server is the primary just now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from adapter.redis.errors import LinkLost, Refusal
from adapter.redis.link import open_link

if TYPE_CHECKING:
    from adapter.redis.options import RedisOptions
    from adapter.redis.place import Place, Sentinel


class Finder(Protocol):
    """Finds the server of one partition."""

    async def find(self) -> Place:
        """Return where it is.

        :raises LinkLost: if nobody knows just now.
        """


class FixedFinder:
    """A server that is always at the same address."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def __str__(self) -> str:
        return str(self._place)

    async def find(self) -> Place:
        return self._place


class SentinelFinder:
    """Asks the Sentinels, each time, starting with the one that knew it last."""

    def __init__(self, target: Sentinel, options: RedisOptions) -> None:
        self._name = target.name
        self._place = target.place
        self._sentinels = list(target.sentinels)
        self._options = options

    def __str__(self) -> str:
        return self._name

    async def find(self) -> Place:
        why = ""
        for sentinel in list(self._sentinels):
            try:
                found = await self._ask(sentinel)
            except (LinkLost, Refusal) as exc:
                why = str(exc)
                continue
            if found is not None:
                self._sentinels.remove(sentinel)
                self._sentinels.insert(0, sentinel)
                return found
            why = f"{sentinel} knows no primary called {self._name!r}"
        raise LinkLost(f"no Sentinel names the primary: {why}")

    async def _ask(self, sentinel: Place) -> Place | None:
        options = self._options
        link = await open_link(sentinel, connect_timeout=options.connect_timeout, answer_timeout=options.answer_timeout)
        try:
            address = await link.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._name)
        finally:
            link.wire.close()
        if address is None:
            return None
        host, port = address
        return self._place.at(host.decode(), int(port))
