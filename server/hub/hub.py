"""The hub of a node: carries out what sessions decide, and tells channels what the cluster says.

    bytes ──▶ Connection ──▶ Session ──effects──▶ Hub ──▶ Adapter ──▶ (every node)
                  ▲                                │                       │
                  └──── one write a tick ◀── Channel ◀──── callbacks ◀─────┘

It is the only place that knows both sockets and the cluster. Everything in it happens between two awaits.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING, assert_never

from adapter.base import Entry, Full, Topic, app_of, topic_of
from adapter.errors import Unavailable
from server.channels.channel import Channel, Ticket
from server.channels.count import CountThrottle
from server.hub.delivery import Delivery
from server.hub.holds import hold_after_close
from server.hub.interest import Interest
from server.hub.notices import Notices
from server.hub.users import Users
from server.protocol import codes, events
from server.protocol.codes import Close
from server.protocol.effects import BecomeUser, Confirm, Effect, Join, Leave, Probe, Refuse, Relay, Send
from server.protocol.frames import text_frame

if TYPE_CHECKING:
    from asyncio import Future, Task
    from collections.abc import Callable, Coroutine, Iterable, Iterator

    from adapter.base import Adapter
    from server.apps import App, Directory
    from server.config import Settings
    from server.hub.client import Client
    from server.metrics import Metrics
    from server.protocol.auth import Member

logger = logging.getLogger(__name__)


class Hub:
    """One node's connections and channels. Fulfils :class:`adapter.base.Receiver`."""

    def __init__(
        self,
        *,
        adapter: Adapter,
        settings: Settings,
        metrics: Metrics,
        spawn: Callable[[Coroutine[object, object, None]], Task[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._adapter = adapter
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        # Established connections, by socket id, that were not told to close.
        self.clients: dict[str, Client] = {}
        # Invariant: a channel is in here if and only if somebody of this node is in it or on the way in.
        self.channels: dict[Topic, Channel] = {}
        self._interest = Interest(adapter)
        self._notices = Notices(adapter)
        self._users = Users(
            adapter=adapter,
            interest=self._interest,
            send=self.send,
            close=self.close,
            spawn=spawn,
            clock=clock,
            offline_delay=settings.offline_delay,
        )
        self._delivery = Delivery(clock=clock, seconds=metrics.delivery_seconds)
        # Connections whose end has begun: when, and with which code.
        self.closing: dict[Client, tuple[float, int]] = {}
        # Called when the last of them has gone.
        self.on_all_closed: Callable[[], None] = _nothing
        # Connections that take less than they are given: above the high-water mark of their transport.
        self.slow: set[Client] = set()

    # Connections

    def now(self) -> float:
        """Return the node's clock, in seconds."""
        return self._clock()

    def register(self, client: Client) -> None:
        """Take in a connection that has been established."""
        session = client.session
        self.clients[session.socket_id] = client
        client.counters.opened += 1
        logger.debug("= %s open, app %s", session.socket_id, session.app.id)

    def forget(self, client: Client, *, code: int, hold: float) -> None:
        """Take a connection out of everything; a second time does nothing.

        :param code: the close code, for the metrics.
        :param hold: seconds for which its places are kept (:mod:`server.hub.holds`).
        """
        session = client.session
        if self.clients.pop(session.socket_id, None) is None:
            return
        for name, member in list(session.subscriptions.items()):
            self._leave(client, name, member, hold)
        session.subscriptions.clear()
        self._users.forget(client, hold=hold)
        self._adapter.discharge(session.app.id)
        client.counters.closed[codes.known(code)] += 1
        logger.debug("= %s closed, code %d", session.socket_id, code)

    def lost(self, client: Client, *, code: int, is_clean: bool) -> None:
        """React to a connection that the other side has ended, cleanly or not."""
        self.closing.setdefault(client, (self._clock(), code))
        self.forget(client, code=code, hold=0.0 if is_clean else self._settings.hold_unclean)

    def gone(self, client: Client) -> None:
        """React to the end of a connection's transport."""
        since, code = self.closing.pop(client, (0.0, 0))
        self.slow.discard(client)
        if code == codes.SERVER_LEAVING.code:
            self._metrics.departure.close_seconds.append(self._clock() - since)
        if not self.closing:
            self.on_all_closed()

    def abort_closing(self, *, older_than: float = 0.0) -> None:
        """Cut off the connections whose end began so many seconds ago or more."""
        now = self._clock()
        for client, (since, code) in list(self.closing.items()):
            if now - since >= older_than:
                # What waits for the client includes the close frame: it never got to know.
                if code == codes.SERVER_LEAVING.code and client.unsent:
                    self._metrics.departure.aborted += 1
                client.abort()

    def update_app(self, client: Client, app: App | None) -> None:
        """Let an open connection have what its application allows now, or end it.

        :param app: None if there is no such application any more.
        """
        session = client.session
        if app is None or app.key != session.app.key:
            self.close(client, codes.unknown_app(session.app.key))
        elif not app.enabled:
            self.close(client, codes.APP_DISABLED)
        else:
            session.allow(app, now=self._clock())
            client.limit(app.max_frame_bytes)

    def update_counting(self, apps: Directory) -> None:
        """Tell subscription counts where applications want it now, from each channel's next change on."""
        for topic, channel in self.channels.items():
            app = apps.by_id(app_of(topic))
            if app is not None and channel.may_count and app.subscription_count != (channel.count is not None):
                self._delivery.forget_count(channel)
                channel.count = CountThrottle() if app.subscription_count else None

    def turn_away(self, client: Client, close: Close) -> None:
        """End a connection that isn't, or is no more, among the established."""
        self.closing[client] = self._clock(), close.code
        client.end(close)

    def close(self, client: Client, close: Close) -> None:
        """End a connection: what is gathered for it, the error and the close frame are its last bytes."""
        hold = hold_after_close(close, leaving=self._settings.hold_leaving, unclean=self._settings.hold_unclean)
        self.forget(client, code=close.code, hold=hold)
        if client not in self.closing:
            self.turn_away(client, close)

    def send(self, client: Client, payload: bytes) -> None:
        """Send one message to one connection, after whatever is gathered for it."""
        self._write(client, text_frame(payload))

    def _write(self, client: Client, frames: bytes) -> None:
        if not frames or client.session.socket_id not in self.clients:
            return
        if self._delivery.is_pending:
            self._delivery.flush_these(self._channels_of(client))
        client.write(frames)
        client.counters.replies += 1

    def carry_out(self, client: Client, effects: Iterable[Effect]) -> None:
        """Do what a session has decided, in order."""
        for effect in effects:
            match effect:
                case Relay():
                    self._relay(client, effect)
                case Send():
                    self.send(client, effect.payload)
                case Refuse():
                    self._refuse(client, effect)
                case Join():
                    self._join(client, effect)
                case Confirm():
                    channel = self.channels[self._topic(client, effect.channel)]
                    self._write(client, channel.confirm(client))
                case Leave():
                    self._leave(client, effect.channel, effect.member, 0.0)
                case BecomeUser():
                    self._users.sign_in(client, effect)
                case Probe():
                    client.probe()
                    self.send(client, events.PING)
                case Close():
                    self.close(client, effect)
                case _:
                    assert_never(effect)

    def _refuse(self, client: Client, effect: Refuse) -> None:
        client.counters.refused[effect.reason] += 1
        for payload in effect.payloads:
            self.send(client, payload)

    # Subscriptions

    def _join(self, client: Client, effect: Join) -> None:
        channel = self._channel(client, effect)
        member = effect.member
        if member is not None:
            channel.users[member.user_id] = channel.users.get(member.user_id, 0) + 1
        if channel.is_established and not (effect.kind.presence or effect.kind.cache):
            self._admit(client, channel, None)
            return
        ticket = channel.wait(client)
        future = self._enter(client, channel, member)
        finish = partial(self._entered, client, channel, ticket)
        if future.done():
            finish(future)
        else:
            future.add_done_callback(finish)

    def _channel(self, client: Client, effect: Join) -> Channel:
        topic = self._topic(client, effect.channel)
        channel = self.channels.get(topic)
        if channel is None:
            app = client.session.app
            counts, delivered = app.subscription_count, client.counters.delivered
            channel = self.channels[topic] = Channel(topic, effect.channel, effect.kind, delivered, counts=counts)
            self._interest.add(topic)
        return channel

    def _enter(self, client: Client, channel: Channel, member: Member | None) -> Future[Entry | Full]:
        if member is None:
            return self._adapter.enter(channel.topic)
        limit = client.session.app.max_presence_members
        return self._adapter.enter(channel.topic, member.user_id, member.user_info, limit=limit)

    def _entered(self, client: Client, channel: Channel, ticket: Ticket, future: Future[Entry | Full]) -> None:
        """Go on with a subscription when the cluster has answered, unless it is over already."""
        if not channel.is_waiting(client, ticket) or future.cancelled():
            return
        answer = future.result()
        if isinstance(answer, Entry):
            self._admit(client, channel, answer)
            return
        member = client.session.subscriptions[channel.name]
        refusal = client.session.refused_as_full(channel.name, answer.limit)
        self._leave(client, channel.name, member, 0.0)
        self.carry_out(client, [refusal])

    def _admit(self, client: Client, channel: Channel, entry: Entry | None) -> None:
        frames = channel.admit(client, entry)
        self._write(client, frames)
        if channel.kind.cache and entry is not None and entry.remembered is None:
            self._notices.cache_miss(client.session.app, channel.topic, channel.name)
        self._count(client, channel)
        count = channel.count
        if count is not None and count.total and (count.is_large or count.due is None):
            # The others hear of it later, or not at all where the number is as before; whoever comes wants one now.
            self.send(client, events.subscription_count(channel.name, count.total))

    def _leave(self, client: Client, name: str, member: Member | None, hold: float) -> None:
        channel = self.channels[self._topic(client, name)]
        channel.drop(client)
        user_id = None
        is_last = channel.is_deserted
        if member is not None:
            user_id = member.user_id
            channel.users[user_id] -= 1
            is_last = not channel.users[user_id]
        now = self._clock()
        if hold:
            channel.dues[user_id] = max(channel.dues.get(user_id, 0.0), now + hold)
        # A signed-in user's own channel is entered by the sign-in, not by the subscription.
        if is_last and not channel.kind.user:
            due = channel.dues.pop(user_id, now)
            self._adapter.leave(channel.topic, user_id, hold=max(0.0, due - now))
        if is_last and user_id is not None:
            del channel.users[user_id]
        self._count(client, channel)
        if channel.is_deserted:
            self._drop(channel)

    def _drop(self, channel: Channel) -> None:
        del self.channels[channel.topic]
        self._delivery.forget(channel)
        self._interest.remove(channel.topic)

    def _count(self, client: Client, channel: Channel) -> None:
        if not channel.kind.user:
            self._adapter.count(channel.topic, len(channel), announce=channel.count is not None)

    # Client events

    def _relay(self, client: Client, effect: Relay) -> None:
        topic = self._topic(client, effect.channel)
        if client not in self.channels[topic].fanout.subscribers:
            self._refuse(client, client.session.too_early(effect.channel))
            return
        future = self._adapter.publish(topic, effect.payload, sender=client.session.socket_id)
        if future.done():
            self._relayed(client, effect, future)
        else:
            future.add_done_callback(partial(self._relayed, client, effect))

    def _relayed(self, client: Client, effect: Relay, future: Future[None]) -> None:
        if future.cancelled():
            return
        exc = future.exception()
        if exc is None:
            session = client.session
            topic = self._topic(client, effect.channel)
            self._notices.client_event(session.app, topic, effect.channel, effect.payload, session.socket_id)
            return
        if not isinstance(exc, Unavailable):
            raise exc
        text = "Client event lost: the cluster's state can't be reached just now"
        self._refuse(client, Refuse("unavailable", (events.error(text),)))

    # What the cluster tells (adapter.base.Receiver)

    def message(self, topic: Topic, position: int, payload: bytes, sender: str) -> None:
        channel = self.channels.get(topic)
        if channel is not None:
            channel.message(position, payload, self.clients.get(sender) if sender else None)
            self._delivery.soon(channel)

    def joined(self, topic: Topic, position: int, user: str, info: bytes) -> None:
        channel = self.channels.get(topic)
        if channel is not None:
            channel.joined(position, user, info)
            self._delivery.soon(channel)

    def left(self, topic: Topic, position: int, user: str) -> None:
        channel = self.channels.get(topic)
        if channel is not None:
            channel.left(position, user)
            self._delivery.soon(channel)

    def occupied(self, topic: Topic, position: int) -> None:
        self._users.changed(topic, is_online=True)

    def vacated(self, topic: Topic, position: int) -> None:
        self._users.changed(topic, is_online=False)

    def counted(self, topic: Topic, total: int) -> None:
        channel = self.channels.get(topic)
        if channel is not None and channel.count is not None:
            channel.count.total = total
            self._delivery.count_soon(channel)

    def terminated(self, topic: Topic, at: float) -> None:
        self._users.terminated(topic, at)

    def resynced(self, topic: Topic, entry: Entry, *, occupied: bool) -> None:
        self._users.changed(topic, is_online=occupied)
        channel = self.channels.get(topic)
        if channel is not None:
            channel.resynced(entry)
            self._delivery.soon(channel)

    # Delivery

    def tell_counts(self) -> None:
        """Tell the subscription counts that have become due."""
        self._delivery.tell_counts()

    def flush(self) -> None:
        """Write all that is gathered."""
        self._delivery.flush()

    def _channels_of(self, client: Client) -> Iterator[Channel]:
        for name in client.session.subscriptions:
            channel = self.channels.get(self._topic(client, name))
            if channel is not None:
                yield channel

    @staticmethod
    def _topic(client: Client, channel: str) -> Topic:
        return topic_of(client.session.app.id, channel)


def _nothing() -> None:
    """Do nothing: nobody waits."""
