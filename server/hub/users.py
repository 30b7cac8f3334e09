"""Signed-in users: their connections on this node, and who wants to know whether they are online.

A user is online while its topic is occupied: each node enters it while one of its connections is signed in as the
user. The same topic carries the events of the user's own channel and the command to end its connections.
"""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import TYPE_CHECKING

from adapter.base import Entry, Full, Topic, topic_of
from adapter.errors import Unavailable
from server.protocol import codes, events
from server.protocol.names import user_channel

if TYPE_CHECKING:
    from asyncio import Future, Task
    from collections.abc import Callable, Coroutine, Sequence

    from adapter.base import Adapter, Occupancy
    from server.hub.client import Client
    from server.hub.interest import Interest
    from server.protocol.codes import Close
    from server.protocol.effects import BecomeUser

PENDING = float("inf")


class _User:
    """What this node knows of one user."""

    __slots__ = ("clients", "due", "is_online", "terminated_at", "watchers", "watching")

    def __init__(self) -> None:
        # When each connection signed in, by the cluster's clock; PENDING until the cluster has answered.
        self.clients: dict[Client, float] = {}
        # Connections whose watchlist has the user, and who know what is_online says.
        self.watchers: set[Client] = set()
        # How many connections have the user on their watchlist, those included that don't know yet.
        self.watching = 0
        # None until the cluster has told.
        self.is_online: bool | None = None
        # The last command to end the user's connections, by the cluster's clock.
        self.terminated_at = 0.0
        # Until when the node's entry is to be held when the last connection is gone, by the node's clock.
        self.due = 0.0


class Users:
    """The users that matter to this node's connections."""

    def __init__(
        self,
        *,
        adapter: Adapter,
        interest: Interest,
        send: Callable[[Client, bytes], None],
        close: Callable[[Client, Close], None],
        spawn: Callable[[Coroutine[object, object, None]], Task[None]],
        clock: Callable[[], float],
        offline_delay: float,
    ) -> None:
        self._adapter = adapter
        self._interest = interest
        self._send = send
        self._close = close
        self._spawn = spawn
        self._clock = clock
        self._offline_delay = offline_delay
        # Invariant: a user is in here if and only if it has clients, or is on the watchlist of one.
        self._users: dict[Topic, _User] = {}
        # Which topics each connection watches, answered or not.
        self._watchlists: dict[Client, tuple[Topic, ...]] = {}

    # Signing in and out

    def sign_in(self, client: Client, effect: BecomeUser) -> None:
        """Count a connection among the user's; it is told once the cluster has taken note."""
        topic = _topic(client, effect.user.id)
        user = self._user(topic)
        user.clients[client] = PENDING
        self._interest.add(topic)
        future = self._adapter.enter(topic)
        finish = partial(self._signed_in, client, effect, topic)
        if future.done():
            finish(future)
        else:
            future.add_done_callback(finish)

    def _signed_in(self, client: Client, effect: BecomeUser, topic: Topic, future: Future[Entry | Full]) -> None:
        user = self._users.get(topic)
        if user is None or client not in user.clients or future.cancelled():
            return
        entry = future.result()
        assert isinstance(entry, Entry), "an entry without a limit is never refused"
        if entry.at <= user.terminated_at:
            self._close(client, codes.TERMINATED)
            return
        user.clients[client] = entry.at
        for payload in effect.confirmations:
            self._send(client, payload)
        if client.session.app.watchlists and effect.user.watchlist:
            self._watch(client, effect.user.watchlist)

    def forget(self, client: Client, *, hold: float) -> None:
        """Take a connection off all lists; its user stays online for `hold` seconds more."""
        if client.session.user is not None:
            self._sign_out(client, _topic(client, client.session.user.id), hold)
        for topic in self._watchlists.pop(client, ()):
            user = self._users[topic]
            user.watchers.discard(client)
            user.watching -= 1
            self._interest.remove(topic)
            self._drop_if_unneeded(topic)

    def _sign_out(self, client: Client, topic: Topic, hold: float) -> None:
        user = self._users.get(topic)
        if user is None or user.clients.pop(client, None) is None:
            return
        now = self._clock()
        user.due = max(user.due, now + max(hold, self._offline_delay))
        if not user.clients:
            self._adapter.leave(topic, hold=user.due - now)
            user.due = 0.0
        self._interest.remove(topic)
        self._drop_if_unneeded(topic)

    # Watching

    def _watch(self, client: Client, watchlist: tuple[str, ...]) -> None:
        topics = tuple(_topic(client, user_id) for user_id in watchlist)
        self._watchlists[client] = topics
        for topic in topics:
            self._user(topic).watching += 1
            self._interest.add(topic)
        self._spawn(self._tell_who_is_online(client, topics))

    async def _tell_who_is_online(self, client: Client, topics: tuple[Topic, ...]) -> None:
        occupancies = await self._describe(client, topics)
        if client not in self._watchlists:
            return
        for topic, occupancy in zip(topics, occupancies, strict=True):
            user = self._users[topic]
            if user.is_online is None:
                user.is_online = occupancy.occupied
            user.watchers.add(client)
        known = [(_user_id(topic), self._users[topic].is_online) for topic in topics]
        online = [user_id for user_id, is_online in known if is_online]
        offline = [user_id for user_id, is_online in known if not is_online]
        self._send(client, events.watchlist(online=online, offline=offline))

    async def _describe(self, client: Client, topics: Sequence[Topic]) -> list[Occupancy]:
        """Ask until there is an answer, or nobody who wants it: the node must not outlive its clients for this."""
        while client in self._watchlists:
            try:
                return await self._adapter.describe(topics)
            except Unavailable as exc:
                await asyncio.sleep(exc.retry_after * random.uniform(1.0, 2.0))
        return []

    # What the cluster tells

    def terminated(self, topic: Topic, at: float) -> None:
        """End the connections that signed in up to `at`."""
        user = self._users.get(topic)
        if user is None:
            return
        user.terminated_at = max(user.terminated_at, at)
        for client in [client for client, signed_in_at in user.clients.items() if signed_in_at <= at]:
            self._close(client, codes.TERMINATED)

    def changed(self, topic: Topic, *, is_online: bool) -> None:
        """Tell the watchers of a user, if it is news."""
        user = self._users.get(topic)
        if user is None or user.is_online is is_online:
            return
        user.is_online = is_online
        ids = (_user_id(topic),)
        payload = events.watchlist(online=ids) if is_online else events.watchlist(offline=ids)
        for watcher in list(user.watchers):
            self._send(watcher, payload)

    def _user(self, topic: Topic) -> _User:
        return self._users.get(topic) or self._users.setdefault(topic, _User())

    def _drop_if_unneeded(self, topic: Topic) -> None:
        user = self._users[topic]
        if not user.clients and not user.watching:
            del self._users[topic]


def _topic(client: Client, user_id: str) -> Topic:
    return topic_of(client.session.app.id, user_channel(user_id))


def _user_id(topic: Topic) -> str:
    return topic[topic.index("/") + 1 + len(user_channel("")) :]
