"""What one client and this server may say to each other, in which order.

Feed it frames and the time; carry out the effects it returns, in order.

    OPEN --(silent for activity_timeout)--> PROBED --(silent for pong_timeout)--> CLOSED
      ^                                       |
      +-----------(anything heard)------------+
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, assert_never

from server.protocol import auth, codes, events, messages
from server.protocol.allowance import Allowance
from server.protocol.effects import BecomeUser, Confirm, Effect, Join, Leave, Probe, Refuse, Relay, Send
from server.protocol.errors import ClientError, InvalidChannel, Malformed, Unauthorized
from server.protocol.names import Kind, parse_channel, user_channel

if TYPE_CHECKING:
    from server.apps import App

NEVER = float("inf")
"""By when a client must authorize itself that has done so: it is through, whatever its application comes to demand."""
UNASKED = sys.float_info.max
"""The same for a client of which nothing is demanded just now."""


class Session:
    """One client's side of the Pusher protocol."""

    __slots__ = (
        "_client_events",
        "_max_depth",
        "_subscribes",
        "app",
        "authorize_by",
        "last_heard",
        "probed_at",
        "socket_id",
        "subscriptions",
        "user",
    )

    def __init__(self, app: App, socket_id: str, *, now: float, max_depth: int = 32) -> None:
        self.app = app
        self.socket_id = socket_id
        # The channels that the client asked for and was not refused, in force or on their way, with their members.
        self.subscriptions: dict[str, auth.Member | None] = {}
        # Who it signed in as; None until then.
        self.user: auth.User | None = None
        self.last_heard = now
        # When it was asked for a sign of life; 0 while it owes none.
        self.probed_at = 0.0
        # Until when it must have signed in or joined a private channel.
        self.authorize_by = _authorize_by(app, now)
        self._client_events = Allowance(now=now)
        self._subscribes = Allowance(now=now)
        self._max_depth = max_depth

    def receive(self, raw: bytes | bytearray, *, now: float) -> list[Effect]:
        """React to the text of one message."""
        try:
            message = messages.parse(raw, max_depth=self._max_depth)
        except Malformed as exc:
            return [Refuse("malformed", (events.error(str(exc)),))]
        match message:
            case messages.ClientEvent():
                return [self._client_event(message, now)]
            case messages.Ping():
                return [Send(events.PONG)]
            case messages.Pong():
                return []
            case messages.Subscribe():
                return [self._subscribe(message, now)]
            case messages.Unsubscribe():
                return self._unsubscribe(message)
            case messages.SignIn():
                return [self._sign_in(message)]
            case _:
                assert_never(message)

    def receive_binary(self) -> list[Effect]:
        """React to a binary message."""
        return [Refuse("binary", (events.error("Binary WebSocket frames are not supported"),))]

    def receive_oversized(self) -> list[Effect]:
        """React to a message longer than the application allows, of which nothing was kept."""
        limit = self.app.max_frame_bytes
        return [Refuse("oversized", (events.error(f"Message exceeds the allowed maximum ({limit} bytes)"),))]

    # Time

    def heard(self, *, now: float) -> None:
        """Note that something came from the client, whatever it was."""
        self.last_heard = now
        self.probed_at = 0.0

    def tick(self, *, now: float, activity_timeout: float, pong_timeout: float) -> list[Effect]:
        """React to the passing of time; calling it too often does nothing."""
        if now >= self.authorize_by:
            return [codes.NOT_AUTHORIZED_IN_TIME]
        if self.probed_at:
            return [codes.NO_PONG] if now - self.probed_at >= pong_timeout else []
        if now - self.last_heard >= activity_timeout:
            self.probed_at = now
            return [Probe()]
        return []

    def allow(self, app: App, *, now: float) -> None:
        """Go on with what the application allows now; a time for authorization that changed begins anew."""
        if self.authorize_by != NEVER and app.authorization_timeout != self.app.authorization_timeout:
            self.authorize_by = _authorize_by(app, now)
        self.app = app

    # Subscriptions

    def _subscribe(self, message: messages.Subscribe, now: float) -> Effect:
        name = message.channel
        rate, burst = self.app.max_subscribes_per_second, self.app.max_subscriptions
        if not self._subscribes.spend(rate=rate, burst=max(rate, burst), now=now):
            text = f"Subscription to {name[:200]} refused: a connection may subscribe {rate} times a second"
            return _refuse_subscription(name[:200], text, "subscribe_rate", kind="LimitReached", status=429)
        try:
            kind = parse_channel(name, max_length=self.app.max_channel_name_length)
            member = self._authorize(message, kind)
        except InvalidChannel as exc:
            return _refuse_subscription(name[:200], str(exc), "invalid_channel", kind="InvalidChannel", status=400)
        except ClientError as exc:
            return _refuse_subscription(name, str(exc), "unauthorized")
        if kind.private:
            self.authorize_by = NEVER
        if name in self.subscriptions:
            return Confirm(name)
        limit = self.app.max_subscriptions
        if len(self.subscriptions) >= limit:
            text = f"Subscription to {name} refused: a connection may have at most {limit} subscriptions"
            return _refuse_subscription(name, text, "too_many_subscriptions", kind="LimitReached", status=403)
        self.subscriptions[name] = member
        return Join(name, kind, member)

    def _authorize(self, message: messages.Subscribe, kind: Kind) -> auth.Member | None:
        """Return the member that the client may be in the channel, None where it has no members.

        :raises ClientError: if it may not join.
        """
        if kind.user:
            self._check_is_user_of(message.channel)
            return None
        if not kind.private:
            return None
        text = f"{self.socket_id}:{message.channel}"
        if message.channel_data is not None:
            text += f":{message.channel_data}"
        auth.check(message.auth, key=self.app.key, secrets=self.app.secrets, text=text)
        return self._member(message) if kind.presence else None

    def _check_is_user_of(self, channel: str) -> None:
        if self.user is None or channel != user_channel(self.user.id):
            raise Unauthorized(f"Only a connection signed in as that user may subscribe to {channel}")

    def _member(self, message: messages.Subscribe) -> auth.Member:
        if message.channel_data is None and self.user is not None:
            return self._member_by_sign_in(self.user, message.channel)
        return auth.parse_channel_data(
            message.channel_data if message.channel_data is not None else "{}",
            message.channel,
            max_bytes=self.app.max_presence_member_bytes,
            max_user_id_length=self.app.max_user_id_length,
        )

    def _member_by_sign_in(self, user: auth.User, channel: str) -> auth.Member:
        limit = self.app.max_presence_member_bytes
        if len(user.user_info) > limit:
            raise Malformed(f"user_info of {user.id} in {channel} exceeds the allowed maximum ({limit} bytes)")
        return auth.Member(user.id, user.user_info)

    def refused_as_full(self, channel: str, limit: int) -> Effect:
        """Take back a subscription to a presence channel that has no room."""
        self.subscriptions.pop(channel, None)
        text = f"{channel} is over capacity: at most {limit} members are allowed"
        return _refuse_subscription(channel, text, "presence_full", kind="LimitReached", status=403)

    def _unsubscribe(self, message: messages.Unsubscribe) -> list[Effect]:
        # Leaving what was never joined is normal: Java's client does it. Never answered.
        if message.channel not in self.subscriptions:
            return []
        return [Leave(message.channel, self.subscriptions.pop(message.channel))]

    # Client events

    def _client_event(self, message: messages.ClientEvent, now: float) -> Effect:
        if (refusal := self._why_not_relay(message)) is not None:
            reason, text = refusal
            return Refuse(reason, (events.error(text),))
        rate = self.app.max_client_events_per_second
        if not self._client_events.spend(rate=rate, burst=rate, now=now):
            text = (
                f"The client event {message.event[:200]} was rejected: a connection may send "
                f"{rate} client events a second"
            )
            return Refuse("client_event_rate", (events.error(text, codes.CLIENT_EVENT_RATE),))
        member = self.subscriptions[message.channel]
        user_id = None if member is None else member.user_id
        return Relay(message.channel, events.client_event(message.channel, message.event, message.data, user_id))

    def _why_not_relay(self, message: messages.ClientEvent) -> tuple[str, str] | None:
        """Return the reason, as a word for metrics and as a sentence, why the event goes nowhere, if so."""
        app = self.app
        if not app.client_events:
            text = "To send client events, you must enable this feature in the Settings page of your dashboard."
            return "client_events_off", text
        if not message.channel.startswith(("private-", "presence-")):
            return "client_event_channel", "Client event rejected - only supported on private and presence channels"
        if message.channel not in self.subscriptions:
            return "not_subscribed", _not_subscribed(message.channel)
        if len(message.event) > (longest := app.max_event_name_length):
            return "event_name", f"Client event rejected - event names have at most {longest} characters"
        if len(message.data.encode()) > (most := app.max_event_bytes):
            return "event_size", f"Client event rejected - data exceeds the allowed maximum ({most} bytes)"
        return None

    def too_early(self, channel: str) -> Refuse:
        """Take back a client event to a channel whose subscription isn't in force yet, and may still be refused."""
        return Refuse("not_subscribed", (events.error(_not_subscribed(channel)),))

    # Users

    def _sign_in(self, message: messages.SignIn) -> Effect:
        try:
            text = f"{self.socket_id}::user::{message.user_data}"
            auth.check(message.auth, key=self.app.key, secrets=self.app.secrets, text=text)
            user = auth.parse_user_data(
                message.user_data,
                max_bytes=self.app.max_event_bytes,
                max_user_id_length=self.app.max_user_id_length,
            )
            if self.user is not None and self.user.id != user.id:
                raise Malformed(f"Connection is signed in as {self.user.id} already, it can't become {user.id}")
        except ClientError as exc:
            return Refuse("signin", (events.error(str(exc)),))
        self.authorize_by = NEVER
        return self._become(user, message.user_data)

    def _become(self, user: auth.User, user_data: str) -> Effect:
        confirmations = [events.signin_success(user_data)]
        limit = self.app.max_watchlist
        if self.app.watchlists and len(user.watchlist) > limit:
            text = f"Watchlist limit exceeded: only the first {limit} of {len(user.watchlist)} ids are watched"
            confirmations.append(events.error(text, codes.WATCHLIST_LIMIT))
            user = auth.User(user.id, user.user_info, user.watchlist[:limit])
        if self.user is not None:
            return Send(confirmations[0])
        self.user = user
        return BecomeUser(user, tuple(confirmations))


def _authorize_by(app: App, now: float) -> float:
    return UNASKED if app.authorization_timeout is None else now + app.authorization_timeout


def _refuse_subscription(channel: str, text: str, reason: str, *, kind: str = "AuthError", status: int = 401) -> Refuse:
    # The channel's own error handlers first, then the connection's: .NET fails a pending subscription on either.
    return Refuse(reason, (events.subscription_error(channel, text, kind=kind, status=status), events.error(text)))


def _not_subscribed(channel: str) -> str:
    return f"Cannot broadcast client event (connection not subscribed to channel {channel[:200]})"
