"""One application: who it is, and what it allows its clients."""

from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator

from server.apps.webhook import Webhook
from server.origins import matches, parse_pattern
from server.quantities import Bytes, Characters, Count, Seconds

# The id is part of the API's paths, the key of a WebSocket's.
_Identifier = Annotated[str, Field(pattern=r"^[-a-zA-Z0-9_]+$")]


class App(BaseModel):
    """One application: its credentials, its features and its limits."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    id: _Identifier = Field(description="Names the application in the paths of the HTTP API.")
    key: _Identifier = Field(description="Public: clients connect with it.")
    secret: SecretStr = Field(min_length=1, description="Signs API requests and subscriptions. Never printed.")
    second_secret: SecretStr | None = Field(
        None,
        min_length=1,
        description="Accepted beside `secret`, while one of the two replaces the other. Nothing is signed with it.",
    )
    enabled: bool = Field(True, description="When false, clients are closed with 4003 and API requests get 403.")

    client_events: bool = Field(False, description="Let clients send `client-` events. Off, as with Pusher.")
    subscription_count: bool = Field(False, description="Tell subscribers how many they are. Off, as with Pusher.")
    watchlists: bool = Field(False, description="Tell users who of their watchlist is online. Off, as with Pusher.")
    tls_only: bool = Field(False, description="Close clients that come without TLS with 4000.")
    authorization_timeout: Seconds | None = Field(
        None,
        gt=0,
        description="Close with 4009 who has neither signed in nor joined a private or presence channel by then. "
        "None: nobody has to.",
    )
    allowed_origins: tuple[Annotated[str, AfterValidator(parse_pattern)], ...] = Field(
        (),
        description="Origins whose pages may connect, such as `https://*.example.com`; others are closed with 4009. "
        "Empty: all. A client without an Origin header is no browser, and may always connect.",
    )
    max_connections: Count | None = Field(
        None,
        ge=0,
        description="Connections of this application in the cluster; one more is closed with 4004. None: no limit.",
    )

    webhooks: tuple[Webhook, ...] = Field(
        (), description="Where the application's back end is told of what happens in channels; see webhooks.md."
    )

    max_subscriptions: Count = Field(200, ge=1, description="Channels that one connection may be subscribed to.")
    max_subscribes_per_second: Count = Field(
        20,
        ge=1,
        description="Subscribe messages of a connection, `max_subscriptions` at once, as after a reconnect. Each costs "
        "the channel's other members, or the cluster, something.",
    )
    max_client_events_per_second: Count = Field(
        10, ge=0, description="Client events that a connection may send; more get error 4301. 0: none. Pusher's limit."
    )
    max_backend_events_per_second: Count | None = Field(
        None,
        ge=1,
        description="Events that back ends may publish in the cluster, one for each channel of each, as many at once; "
        "more get 429. None: no limit, as nobody but they have the secret.",
    )
    max_reads_per_second: Count | None = Field(
        None,
        ge=1,
        description="Requests about channels and users that back ends may send in the cluster, as many at once; more "
        "get 429. None: no limit.",
    )
    max_channel_name_length: Characters = Field(164, ge=1, description="Pusher's limit, prefix included.")
    max_event_name_length: Characters = Field(200, ge=1, description="Pusher's limit.")
    max_event_bytes: Bytes = Field(10_240, ge=1, description="An event's data. Pusher's limit; more gets 413.")
    max_event_channels: Count = Field(100, ge=1, description="Channels that one publish may name. Pusher's limit.")
    max_batch_events: Count = Field(10, ge=1, description="Events in one batch. Pusher's limit.")
    max_presence_members: Count = Field(
        100, ge=1, description="Users in a presence channel. Pusher's limit: each member costs the others a message."
    )
    max_presence_member_bytes: Bytes = Field(1_024, ge=1, description="What is told about a member. Pusher's limit.")
    max_user_id_length: Characters = Field(128, ge=1, description="Pusher's limit.")
    max_watchlist: Count = Field(
        100, ge=1, description="Users that one may watch; more get error 4302. Pusher's limit."
    )
    cache_ttl: Seconds = Field(
        1_800.0, gt=0, description="How long a cache channel remembers its last event. Pusher's 30 minutes."
    )
    max_frame_bytes: Bytes = Field(
        65_536, ge=1_024, description="A WebSocket message from a client: several times the largest event."
    )

    @field_validator("secret", "second_secret")
    @classmethod
    def _check_is_text(cls, secret: SecretStr | None) -> SecretStr | None:
        # Bytes that are no text come out of a variable or a store as halves of characters: nothing can be signed so.
        if secret is not None:
            try:
                secret.get_secret_value().encode()
            except UnicodeEncodeError:
                # Without the error, which repeats the secret.
                raise ValueError("is not UTF-8") from None
        return secret

    @cached_property
    def secret_bytes(self) -> bytes:
        """The secret as HMAC takes it."""
        return self.secret.get_secret_value().encode()

    @cached_property
    def secrets(self) -> tuple[bytes, ...]:
        """The secrets that a signature may be made with, the one that we sign with first."""
        second = self.second_secret
        return (self.secret_bytes,) if second is None else (self.secret_bytes, second.get_secret_value().encode())

    def allows_origin(self, origin: str | None) -> bool:
        """Tell whether a page of this origin may connect; None if the request named none."""
        if origin is None or not self.allowed_origins:
            return True
        return any(matches(origin, pattern) for pattern in self.allowed_origins)


DEMO_APP = App(
    id="app-id",
    key="app-key",
    secret=SecretStr("app-secret"),
    client_events=True,
    watchlists=True,
)
"""What a node serves that was not told of any application. Its secret is public."""
