"""Every setting of a node: its default, its bounds, and the reason for both. All durations are seconds."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from server.apps import DEMO_APP
from server.apps.options import StoreOptions
from server.config.agreement import check_together
from server.config.values import (
    LogFormat,
    LogLevel,
    Name,
    Port,
    Prefix,
    ReadableFile,
    SomeApps,
    StoreUrl,
    Table,
    Token,
)
from server.quantities import Bytes, Count, PerSecond, Seconds

FLUSHING = 18.0
"""Seconds that leaving takes at most beside settling and draining, with the defaults below: the last close handshakes
(3 + 5), requests in flight (5), and taking leave of the cluster (5). Lower ones don't lower it: that is to spare."""


class Settings(BaseModel):
    """A node's configuration, checked; it never changes. Reading again makes a new one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    host: Name = Field("127.0.0.1", description="Address to listen on. `0.0.0.0` or `::` for all.")
    port: Port = Field(6001, description="For clients and the HTTP API alike. 0: any free one.")
    unix_socket: Path | None = Field(None, description="Listen on this socket file instead of host and port.")
    metrics_host: Name | None = Field(None, description="Address for metrics and health. None: that of `host`.")
    metrics_port: Port = Field(9601, description="For metrics and health, not for the public. 0: any free one.")
    tls_certificate: ReadableFile | None = Field(
        None,
        description="PEM file of the certificate and its chain. Read at the start: a renewed one needs a new node.",
    )
    tls_key: ReadableFile | None = Field(None, description="PEM file of the certificate's key.")
    trusted_hops: Count = Field(
        0,
        ge=0,
        le=16,
        description="Proxies in front whose `X-Forwarded-For` is believed. 0, since any client can send that header.",
    )
    redis: tuple[str, ...] = Field(
        (), repr=False, description="URLs of the Redis that nodes share; in the environment separated by commas."
    )
    redis_prefix: Prefix = Field(
        "shoal", description="Begins all keys and pub/sub channels in Redis: one for each cluster that shares it."
    )
    redis_connect_timeout: Seconds = Field(
        2.0, gt=0, le=60, description="Time for a connection to Redis, TLS and log-in included."
    )
    redis_answer_timeout: Seconds = Field(
        3.0,
        gt=0,
        le=60,
        description="Silence of Redis after which its connections are made anew. A probe goes through it each second.",
    )
    redis_patience: Seconds = Field(
        2.0, gt=0, le=60, description="How long a publish waits while Redis is away, before it is answered with 503."
    )
    node_name: Name | None = Field(None, description="What `shoal nodes` calls this node. None: the name of the host.")
    apps: SomeApps = Field((DEMO_APP,), description="The applications; see below. In the environment a JSON list.")
    insecure_demo: bool = Field(
        False, description="Serve the demo application, whose secret is public, on addresses that others can reach."
    )

    app_store: StoreUrl = Field(
        "config",
        repr=False,
        description="Where applications are kept: `config` for the setting `apps`, `redis` for the Redis that nodes "
        "share, or the URL of a Redis or a database; see [applications.md](applications.md).",
    )
    app_store_table: Table = Field(
        "apps", description="The database's table, with its schema if need be. Soketi's has the same name."
    )
    app_store_timeout: Seconds = Field(
        2.0, gt=0, le=30, description="Time for the store to answer. Whoever waits twice as long is told to come back."
    )
    app_refresh: Seconds = Field(
        3.0,
        gt=0,
        le=300,
        description="Time between two looks at the applications in use, all in one question: how soon a change in the "
        "store is in force.",
    )
    app_lifetime: Seconds = Field(
        600.0, gt=0, description="How long a node keeps an application that nobody uses. In use it is never forgotten."
    )
    app_unknown_lifetime: Seconds = Field(
        10.0, gt=0, description="How long a node believes that there is no application with some key."
    )
    app_unknown_max: Count = Field(
        10_000, ge=1, description="Keys of which it believes that: some megabytes for those who try out keys."
    )
    app_waiting_max: Count = Field(
        10_000,
        ge=1,
        description="Keys that may wait to be looked up, however many want each; 500 are asked for at once. Whoever "
        "comes with one more is told to come back.",
    )

    activity_timeout: Seconds = Field(
        30.0,
        gt=0,
        le=86_400,
        description="Silence of a client after which it is pinged, by itself or by the server. Pusher has 120; "
        "30 finds the dead before most proxies, which give up after 60, cut the living.",
    )
    pong_timeout: Seconds = Field(
        30.0, gt=0, le=86_400, description="Time to answer that ping before being closed with 4201. Pusher's 30."
    )
    request_timeout: Seconds = Field(
        10.0,
        gt=0,
        description="Time for a request to arrive whole, TLS and WebSocket handshakes included; silence ends too.",
    )
    keep_alive_timeout: Seconds = Field(
        75.0,
        gt=0,
        description="Idle time of an HTTP connection: above the 60 of common load balancers, which must "
        "be the ones to close.",
    )
    close_timeout: Seconds = Field(3.0, gt=0, description="Time for a client to answer a close frame.")
    abort_timeout: Seconds = Field(5.0, gt=0, description="Time from a close frame to cutting the connection.")

    backlog: Count = Field(
        4_096, ge=1, le=65_535, description="Connections the kernel keeps until they are accepted, up to its own limit."
    )
    max_connections: Count = Field(
        18_000,
        ge=1,
        description="Connections of this node; one more is closed with 4100. Keep it below the limit of open files.",
    )
    max_connections_per_ip: Count | None = Field(
        None,
        ge=1,
        description="Connections from one address (IPv6: one /64); more are closed with 4100. None, since offices and "
        "carriers share addresses.",
    )
    max_handshakes_per_second_per_ip: Count | None = Field(
        None,
        ge=1,
        description="WebSocket handshakes from one address (IPv6: one /64); more are closed with 4100. None, since "
        "behind a proxy without `trusted_hops` all clients have one address.",
    )
    handshake_burst_per_ip: Count | None = Field(
        None,
        ge=1,
        description="How many of those may come at once. None: `max_connections`, so that after a deploy all who were "
        "connected can be back at once, also if all of them have the same address.",
    )
    max_failed_requests_per_second_per_ip: Count | None = Field(
        None,
        ge=1,
        description="API requests with a wrong signature from one address, ten times as many at once; then all its "
        "requests to that application get 429. None, since others' failures would count for who shares an address.",
    )
    max_header_bytes: Bytes = Field(
        8_192, ge=1_024, le=1_048_576, description="Request line and headers of an HTTP request; more gets 431."
    )
    max_body_bytes: Bytes = Field(
        1_048_576, ge=1_024, description="Body of an HTTP request, more gets 413. A full batch has about 100 KiB."
    )
    max_json_depth: Count = Field(
        32, ge=4, le=512, description="Nesting of the JSON that is accepted: far more than people write by hand."
    )

    max_node_buffer_bytes: Bytes = Field(
        268_435_456, ge=1, description="Unsent bytes of all connections; above it those with the most are closed first."
    )
    slow_consumer_bytes: Bytes = Field(
        1_048_576, ge=1, description="Unsent bytes that make a connection slow: a hundred of the largest events."
    )
    slow_consumer_seconds: Seconds = Field(
        5.0, gt=0, description="How long a connection may stay slow before it is closed with 4100: a burst is no crime."
    )
    slow_consumer_max_bytes: Bytes = Field(
        16_777_216, ge=1, description="Unsent bytes with which a connection is closed with 4100 at once."
    )
    unsent_timeout: Seconds = Field(
        10.0, gt=0, description="Age of the oldest unsent byte with which a connection is closed with 4100."
    )
    socket_send_buffer: Bytes | None = Field(
        None,
        ge=4_096,
        description="Cap of what the kernel keeps for a connection (`SO_SNDBUF`). None: the system's own, which "
        "adapts to the client.",
    )
    gc_freeze: bool = Field(
        True, description="Tune the garbage collector for a large, stable heap; off only to look for leaks."
    )

    hold_leaving: Seconds = Field(
        30.0,
        ge=0,
        description="How long a client keeps its place in presence after being closed with 4200, by which it is told "
        "to come back at once. Twice the 15 s that pusher-js waits after a failed attempt.",
    )
    hold_unclean: Seconds = Field(
        5.0, ge=0, description="The same after a connection that broke: a phone between two networks is soon back."
    )
    offline_delay: Seconds = Field(
        3.0, ge=0, description="How long a user stays online after the last connection: a page that is loading anew."
    )

    settle: Seconds = Field(
        0.0,
        ge=0,
        description="Time between no longer being ready and closing connections: as long as load balancers take to "
        "notice. 0 on a terminal, about 5 behind one.",
    )
    drain_rate: PerSecond = Field(
        200.0, gt=0, description="Most connections closed a second when leaving; fewer where the other nodes are few."
    )
    handshake_rate: PerSecond = Field(
        1_000.0,
        gt=0,
        description="WebSocket handshakes a second that one node can do. Leaving nodes together use up half of what "
        "the nodes that stay can do.",
    )
    drain_max: Seconds = Field(
        60.0, gt=0, description="Time for closing them all; where it doesn't suffice the rate is raised."
    )

    flush_timeout: Seconds = Field(
        5.0,
        gt=0,
        description="Time for requests in flight and for what is still to be sent, once all clients have gone.",
    )
    sign_off_timeout: Seconds = Field(
        5.0,
        gt=0,
        description="Time for taking leave of the cluster at the end. Where it doesn't suffice, the others notice by "
        "themselves.",
    )
    grace: Seconds | None = Field(
        None,
        gt=0,
        description="Time between SIGTERM and being killed, at least settle + drain_max + 18, and more where "
        "close_timeout, abort_timeout, flush_timeout or sign_off_timeout were raised. None: nobody kills.",
    )
    last_call: Seconds = Field(
        2.0,
        gt=0,
        le=10,
        description="How long before the end of `grace`, or before another known deadline, all that is left is closed "
        "at once.",
    )
    hurry_timeout: Seconds = Field(
        1.0, gt=0, description="Time for all that is left once the node is told to exit a second time."
    )
    drain_token: Token | None = Field(
        None,
        min_length=16,
        description="Lets its bearer drain the node, list failed webhook events and have them tried again, on the "
        "metrics port. None: nobody may.",
    )

    webhook_timeout: Seconds = Field(
        5.0, gt=0, le=60, description="Time for a back end to answer a webhook; only a 2xx counts. Redirects do not."
    )
    webhook_batch_time: Seconds = Field(
        0.5, ge=0, le=10, description="How long an event waits for others that go to the same place."
    )
    webhook_batch_events: Count = Field(
        50,
        ge=1,
        le=200,
        description="Events in one request, whose ids are all in a header. 1 for back ends that see the first only.",
    )
    webhook_batch_bytes: Bytes = Field(
        65_536, ge=1_024, description="Size of a request, unless one event alone is larger: web servers have limits."
    )
    webhook_first_retry: Seconds = Field(
        1.0, gt=0, description="Rest after a first failure, twice as long after each other; half of it is by chance."
    )
    webhook_longest_retry: Seconds = Field(
        30.0, gt=0, description="Longest rest between two attempts: so long after a back end is back it is told."
    )
    webhook_give_up_after: Seconds = Field(
        300.0,
        gt=0,
        description="Age of an event at which it is not tried again, but kept among the failed. Pusher's 5 minutes; "
        "Pusher's library for Python refuses what is older.",
    )
    webhook_concurrency: Count = Field(256, ge=1, description="Webhook requests of this node under way at once.")
    webhook_endpoint_concurrency: Count = Field(
        4,
        ge=1,
        description="The same to one address; one only while it fails. 1 keeps the order of what is sent.",
    )
    webhook_endpoint_queue: Count = Field(
        1_000,
        ge=1,
        description="Events that this node has in hand for one address. If that is slow the others stay in Redis, so "
        "that nobody else is kept waiting.",
    )
    webhook_debounce: Seconds = Field(
        3.0,
        ge=0,
        le=60,
        description="How long `channel_vacated` and `member_removed` wait: who is back by then isn't mentioned. "
        "Pusher's 3 s. The same on all nodes.",
    )
    webhook_outbox: Count = Field(
        10_000,
        ge=100,
        description="Events that wait in Redis for each of the 64 shards; more are dropped and counted. About 250 "
        "bytes each.",
    )
    webhook_failed: Count = Field(
        1_000, ge=1, description="Failed events kept for each shard, for `shoal webhooks retry`; more are dropped."
    )
    webhook_failed_lifetime: Seconds = Field(
        604_800.0, ge=1, description="How long they are kept after the last one of their shard."
    )

    log_level: LogLevel = Field(
        "info",
        description="The least that is logged. `debug` has a line for the open and the close of each connection.",
    )
    log_format: LogFormat = Field(
        "auto", description="`json` is one object a line. `auto`: human on a terminal, else JSON."
    )

    @property
    def demo(self) -> bool:
        """Whether only the demo application is served, since no other was configured."""
        return self.apps == (DEMO_APP,) and self.app_store == "config"

    @property
    def store_options(self) -> StoreOptions | None:
        """Where applications are kept; None if that is this configuration."""
        if self.app_store == "config":
            return None
        return StoreOptions(
            url=self.redis[0] if self.app_store == "redis" else self.app_store,
            prefix=self.redis_prefix,
            table=self.app_store_table,
            timeout=self.app_store_timeout,
            refresh=self.app_refresh,
            lifetime=self.app_lifetime,
            unknown_lifetime=self.app_unknown_lifetime,
            max_unknown=self.app_unknown_max,
            max_waiting=self.app_waiting_max,
        )

    def changes_since(self, other: Self) -> list[str]:
        """Return the names of the settings that differ, but for the applications."""
        names = type(self).model_fields
        return [name for name in names if name != "apps" and getattr(self, name) != getattr(other, name)]

    @property
    def needed_grace(self) -> float:
        """Seconds that leaving takes at most."""
        return self.settle + self.drain_max + self.reserve

    @property
    def reserve(self) -> float:
        """Seconds of it that are neither for settling nor for draining."""
        ends = self.close_timeout, self.abort_timeout, self.flush_timeout, self.sign_off_timeout
        return max(FLUSHING, sum(ends))

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        check_together(self)
        return self
