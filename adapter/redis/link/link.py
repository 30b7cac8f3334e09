"""A connection for commands: answers come in the order of the questions."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from adapter.redis.errors import LinkLost, Refusal
from adapter.redis.link.wire import Wire

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Iterable

    from adapter.redis.link.place import Place

Context = TypeVar("Context")


class Link:
    """Commands and their answers over one wire."""

    def __init__(self, wire: Wire, place: Place, *, timeout: float) -> None:
        self.wire = wire
        self.place = place
        self._timeout = timeout
        # What awaits each answer, the next first.
        self._awaiting: deque[tuple[Callable[[Any, Any], None], Any]] = deque()
        # Those of `call`, to be told when the wire is lost.
        self._futures: set[Future[Any]] = set()
        wire.on_reply = self._replied
        wire.lost.add_done_callback(self._lost)

    def send(
        self, on_reply: Callable[[Context, Any], None], context: Context, command: tuple[bytes | str | int, ...]
    ) -> None:
        """Send a command; `on_reply` gets `context` and the reply, and nothing if the wire is lost before."""
        self._awaiting.append((on_reply, context))
        self.wire.send(command)

    def call(self, *command: bytes | str | int) -> Future[Any]:
        """Send a command and return its answer to come.

        :raises LinkLost: (the future) if the wire is lost before.
        :raises Refusal: (the future) if it is refused.
        """
        future: Future[Any] = asyncio.get_running_loop().create_future()
        if self.wire.lost.done():
            future.set_exception(LinkLost(f"no connection to {self.place}"))
            return future
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        self.send(_settle, future, command)
        return future

    async def ask(self, *command: bytes | str | int) -> Any:
        """Send a command and wait for the answer; silence counts as a lost connection."""
        future = self.call(*command)
        try:
            async with asyncio.timeout(self._timeout):
                return await future
        except TimeoutError:
            raise LinkLost(f"{self.place} doesn't answer") from None

    async def ask_all(self, commands: Iterable[tuple[bytes | str | int, ...]]) -> list[Any]:
        """Send commands together and wait for all answers; silence counts as a lost connection.

        :raises Refusal: if one is refused.
        """
        answers = await self.ask_each(commands)
        for answer in answers:
            if isinstance(answer, Refusal):
                raise answer
        return answers

    async def ask_each(self, commands: Iterable[tuple[bytes | str | int, ...]]) -> list[Any]:
        """Like :meth:`ask_all`, but a refusal is an answer like any other."""
        futures = [self.call(*command) for command in commands]
        try:
            async with asyncio.timeout(self._timeout):
                answers = await asyncio.gather(*futures, return_exceptions=True)
        except TimeoutError:
            raise LinkLost(f"{self.place} doesn't answer") from None
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, Refusal):
                raise answer
        return answers

    def _replied(self, reply: Any) -> None:
        on_reply, context = self._awaiting.popleft()
        on_reply(context, reply)

    def _lost(self, _: Future[None]) -> None:
        self._awaiting.clear()
        for future in list(self._futures):
            if not future.done():
                future.set_exception(LinkLost(f"{self.place} closed the connection"))


def _settle(future: Future[Any], reply: Any) -> None:
    if future.done():
        return
    if isinstance(reply, Refusal):
        future.set_exception(reply)
    else:
        future.set_result(reply)


async def open_link(place: Place, *, connect_timeout: float, answer_timeout: float) -> Link:
    """Connect and log in.

    :raises LinkLost: if that doesn't succeed in time.
    :raises Refusal: if the server doesn't want us.
    """
    link: Link | None = None
    is_open = False
    try:
        async with asyncio.timeout(connect_timeout):
            link = Link(await _connect(place), place, timeout=answer_timeout)
            await _log_in(link)
            is_open = True
    except (OSError, TimeoutError) as exc:
        raise LinkLost(f"can't connect to {place}: {_reason(exc, place)}") from exc
    finally:
        if link is not None and not is_open:
            link.wire.close()
    return link


def _reason(exc: Exception, place: Place) -> str:
    """Return why there is no connection, also where the exception has no words for it."""
    text = str(exc) or ("no answer in time" if isinstance(exc, TimeoutError) else type(exc).__name__)
    # Who expects no TLS waits for the end of a line that never comes, or hangs up.
    is_puzzled = place.tls is not None and isinstance(exc, TimeoutError | ConnectionResetError)
    return f"{text} (does it expect TLS?)" if is_puzzled else text


async def _connect(place: Place) -> Wire:
    loop = asyncio.get_running_loop()
    if place.path:
        _, wire = await loop.create_unix_connection(Wire, place.path)
    else:
        _, wire = await loop.create_connection(Wire, place.host, place.port, ssl=place.tls)
    return wire


async def _log_in(link: Link) -> None:
    if place_password := link.place.password:
        await link.call("AUTH", *([link.place.username] if link.place.username else []), place_password)
    if link.place.db:
        await link.call("SELECT", link.place.db)
