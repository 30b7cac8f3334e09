"""A hub with an adapter, a clock that stands still, and clients without sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from adapter.base import topic_of
from adapter.local import LocalAdapter
from server.config import Settings
from server.hub import Hub
from server.metrics import Metrics
from server.protocol.session import Session
from tests.server.hub.fake_client import FakeClient
from tests.server.hub.slow_adapter import SlowAdapter
from tests.server.protocol import wire

if TYPE_CHECKING:
    from adapter.base import Topic
    from server.apps import App

APP = wire.an_app(watchlists=True)


class Stage:
    """Everything between a session and the cluster; the cluster is as slow as the test wants it to be."""

    def __init__(self, loop: asyncio.AbstractEventLoop, **settings: Any) -> None:
        self.now = 1000.0
        self.adapter = SlowAdapter(LocalAdapter(clock=lambda: self.now))
        self.settings = Settings(**settings)
        self.metrics = Metrics()
        self.hub = Hub(
            adapter=self.adapter,
            settings=self.settings,
            metrics=self.metrics,
            spawn=loop.create_task,
            clock=lambda: self.now,
        )
        self._numbers = iter(range(1, 1_000_000))

    async def start(self) -> None:
        await self.adapter.start(self.hub)

    async def stop(self) -> None:
        await self.adapter.stop()

    def connect(self, app: App = APP) -> FakeClient:
        """Return a client that has just been established."""
        session = Session(app, f"{next(self._numbers)}.1", now=self.now)
        client = FakeClient(session, self.metrics.of(app.id))
        self.adapter.admit(app.id, None)
        self.hub.register(client)
        return client

    def say(self, client: FakeClient, raw: bytes) -> None:
        """Let a client's message arrive; what it causes isn't awaited."""
        self.hub.carry_out(client, client.session.receive(raw, now=self.now))

    def subscribe(self, client: FakeClient, channel: str, user: dict[str, Any] | None = None) -> None:
        self.say(client, wire.subscribe(channel, socket_id=client.session.socket_id, user=user))

    def sign_in(self, client: FakeClient, user: dict[str, Any]) -> None:
        self.say(client, wire.sign_in(user, socket_id=client.session.socket_id))

    def publish(self, channel: str, payload: bytes, *, sender: str = "") -> None:
        """Publish as the HTTP API does."""
        self.adapter.publish(self.topic(channel), payload, sender=sender)

    async def join(self, client: FakeClient, channel: str, user: dict[str, Any] | None = None) -> None:
        """Subscribe, and let everything settle and be forgotten."""
        self.subscribe(client, channel, user)
        await self.settle()
        client.take()

    async def settle(self) -> None:
        """Let all that is on its way arrive, and be written."""
        for _ in range(3):
            while not self.adapter.is_idle:
                self.perform()
                self.call_back()
                while self.adapter.answers:
                    self.adapter.answer(0)
                await asyncio.sleep(0)
            # Done callbacks, and the flush that they ask for, each take a tick.
            await asyncio.sleep(0)

    def perform(self) -> None:
        """Let all calls take effect."""
        for topic, calls in list(self.adapter.calls.items()):
            while calls:
                self.adapter.perform(topic)

    def call_back(self) -> None:
        """Let all callbacks come."""
        for topic, callbacks in list(self.adapter.callbacks.items()):
            while callbacks:
                self.adapter.call_back(topic)

    def wait(self, seconds: float) -> None:
        """Let time pass, for the hub and for the cluster."""
        self.now += seconds
        self.adapter.inner.lapse()

    async def members(self, channel: str) -> set[str]:
        return set(await self.adapter.members(self.topic(channel)))

    @staticmethod
    def topic(channel: str) -> Topic:
        return topic_of(APP.id, channel)
