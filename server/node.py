"""A node: its parts, and its course from the start to the exit."""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CollectorRegistry

from adapter.errors import AdapterError
from server.api import create_api, create_metrics_app, drain_handler, nodes_handler, webhook_handlers
from server.apps import Apps
from server.apps.stored import StoredApps
from server.banner import banner
from server.config import ConfigurationError, Settings
from server.connection.door import Door
from server.hub import Hub
from server.hub.app_changes import apply_changes
from server.hub.sweeps import Sweeps
from server.leaving import Departure
from server.lifecycle import Lifecycle, State
from server.listener import HttpLimits, Listener, ListenError
from server.metrics import AppStoreCollector, ClusterCollector, Metrics, NodeCollector
from server.process.collector_tuning import tune
from server.process.signals import heed_signals, ignore_signals
from server.webhooks import WebhookCollector, Webhooks

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine

    from uvicorn._types import ASGI3Application

    from adapter.base import Adapter
    from server.apps import Directory
    from server.apps.store import Store

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What is made of the settings before anything is listened on or connected to."""

    adapter: Adapter
    store: Store | None
    """None where applications are in the configuration."""
    tls: ssl.SSLContext | None
    """None where a proxy has it, or nobody."""


class Beside:
    """What is done beside a node's course, by tasks that don't outlive it."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, doing: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Do something until it is done or the node ends."""
        task = self._tasks.create_task(doing)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def end(self) -> None:
        """Cancel what is not done yet."""
        for task in list(self._running):
            task.cancel()


class Node:
    """One node of Shoal, from its start to its exit."""

    def __init__(self, settings: Settings, parts: Parts, reload: Callable[[], Settings]) -> None:
        self._settings = settings
        self._adapter = adapter = parts.adapter
        self._tls = parts.tls
        self._reload = reload
        self._lifecycle = Lifecycle()
        self._metrics = Metrics()
        self._store = store = parts.store
        # Set when open connections have to be told of other applications.
        self._apps_changed = asyncio.Event()
        # Exactly one of these has any.
        self._configured = Apps(settings.apps)
        self._stored = None if store is None else self._kept_in(store)
        self._apps: Directory = self._stored or self._configured
        self._webhooks = Webhooks(adapter.outbox, self._apps, settings)

    def _kept_in(self, store: Store) -> StoredApps:
        options = self._settings.store_options
        assert options is not None, "a store is opened by its options"
        return StoredApps(
            store,
            options,
            self._metrics.app_store,
            is_in_use=lambda app_id: app_id in self._metrics.apps and self._metrics.apps[app_id].open > 0,
            on_change=self._apps_changed.set,
        )

    async def run(self) -> int:
        """Serve until told to stop; return the exit status."""
        status = 1
        try:
            async with asyncio.TaskGroup() as tasks:
                status = await self._serve(tasks)
        except* ListenError as group:
            for error in group.exceptions:
                logger.error("%s", error)
        except* AdapterError as mistakes:
            for mistake in mistakes.exceptions:
                logger.error("%s", mistake)
            status = 2
        finally:
            ignore_signals()
            if self._store is not None:
                await self._store.close()
        return status

    async def _serve(self, tasks: asyncio.TaskGroup) -> int:
        beside = Beside(tasks)
        hub = Hub(adapter=self._adapter, settings=self._settings, metrics=self._metrics, spawn=beside.spawn)
        departure = Departure(
            self._lifecycle,
            hub=hub,
            adapter=self._adapter,
            settings=self._settings,
            metrics=self._metrics,
            flush=[self._webhooks.flush],
        )
        main = self._main_listener(hub, departure)
        inspection = self._inspection_listener(hub, departure, main)
        # First of all, so that a node which waits for the others' state can be told to go, and be seen to live.
        heed_signals(stop=departure.exit, reload=self._told_to_reload)
        await inspection.start()
        if not await self._join(hub, departure):
            await inspection.stop(0.0)
            return 0
        self._spawn_upkeep(hub, beside)
        await main.start()
        self._become_ready(main, inspection)
        has_told_all = await departure.run(main)
        ignore_signals()
        await inspection.stop(0.0)
        beside.end()
        departure.sum_up()
        return 0 if has_told_all else 1

    def _spawn_upkeep(self, hub: Hub, beside: Beside) -> None:
        beside.spawn(self._follow_apps(hub, beside.spawn))
        if self._stored is not None:
            beside.spawn(self._stored.run())
        sweeps = Sweeps(hub, self._settings, self._metrics)
        beside.spawn(sweeps.each_second())
        beside.spawn(sweeps.each_quarter())

    def _become_ready(self, main: Listener, inspection: Listener) -> None:
        tune(self._metrics.gc_pause_seconds, freeze=self._settings.gc_freeze)
        self._lifecycle.advance(State.READY)
        self._adapter.declare(State.READY.value, 0)
        self._announce(main, inspection)

    async def _join(self, hub: Hub, departure: Departure) -> bool:
        """Become part of the cluster, unless told to exit before; return whether that is so."""
        joining = asyncio.ensure_future(self._prepare(hub))
        told = asyncio.ensure_future(departure.wait_told_to_exit())
        await asyncio.wait((joining, told), return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if joining.done():
            joining.result()
            return True
        logger.info("told to exit while starting: nobody has come yet")
        joining.cancel()
        await asyncio.wait((joining,))
        self._lifecycle.advance(State.STOPPED)
        return False

    async def _prepare(self, hub: Hub) -> None:
        """Wait for whatever a node can't do without."""
        if self._stored is not None:
            await self._stored.start()
        await self._adapter.start(hub)

    async def _follow_apps(self, hub: Hub, spawn: Callable[[Coroutine[object, object, None]], object]) -> None:
        while True:
            if self._has_webhooks():
                self._webhooks.begin(spawn)
            await self._apps_changed.wait()
            self._apps_changed.clear()
            await apply_changes(hub, self._apps)

    def _has_webhooks(self) -> bool:
        # In a store an application with some may turn up at any time.
        return self._stored is not None or any(app.webhooks for app in self._configured)

    # What it listens on

    def _main_listener(self, hub: Hub, departure: Departure) -> Listener:
        """Return the one for clients and back ends."""
        settings, lifecycle = self._settings, self._lifecycle
        door = Door(
            apps=self._apps,
            adapter=self._adapter,
            hub=hub,
            settings=settings,
            metrics=self._metrics,
            is_draining=lambda: lifecycle.turns_away,
        )
        departure.on_draining = door.turn_away_waiting
        api = create_api(
            apps=self._apps,
            adapter=self._adapter,
            settings=settings,
            readiness=lambda: lifecycle.is_ready,
            draining=lambda: lifecycle.is_told_to_leave,
            metrics=self._metrics,
        )
        return Listener(
            cast("ASGI3Application", api),
            on_upgrade=door.open,
            host=settings.host,
            port=settings.port,
            unix_socket=settings.unix_socket,
            tls=self._tls,
            backlog=settings.backlog,
            limits=_limits(settings),
        )

    def _inspection_listener(self, hub: Hub, departure: Departure, main: Listener) -> Listener:
        """Return the one for Prometheus and operators."""
        settings, lifecycle = self._settings, self._lifecycle
        token = settings.drain_token.get_secret_value().encode() if settings.drain_token else None

        def is_starting() -> bool:
            return lifecycle.state is State.STARTING

        inspect = create_metrics_app(
            readiness=lambda: lifecycle.is_ready,
            draining=lambda: lifecycle.is_told_to_leave,
            registry=self._registry(hub, main),
            waiting_for=self._problems,
            drain=drain_handler(token, departure.drain),
            webhooks=webhook_handlers(token, self._adapter.outbox, is_starting=is_starting),
            nodes=nodes_handler(self._adapter.nodes, is_starting=is_starting),
        )
        host = settings.metrics_host or settings.host
        return Listener(
            cast("ASGI3Application", inspect), host=host, port=settings.metrics_port, limits=_limits(settings)
        )

    def _registry(self, hub: Hub, main: Listener) -> CollectorRegistry:
        lifecycle = self._lifecycle
        registry = CollectorRegistry()
        registry.register(
            NodeCollector(
                self._metrics,
                hub,
                state=lambda: lifecycle.state.value,
                states=[state.value for state in State],
                refused_requests=lambda: {} if lifecycle.state is State.STARTING else main.refused,
            )
        )
        registry.register(AppStoreCollector(self._metrics))
        registry.register(ClusterCollector(self._adapter.numbers))
        registry.register(WebhookCollector(self._webhooks))
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        return registry

    def _problems(self) -> str:
        """Return what is wrong with the state that nodes share, in words."""
        store = self._adapter.numbers().store
        return "; ".join(problem.text for problem in store.problems) if store else ""

    def _announce(self, main: Listener, inspection: Listener) -> None:
        text = banner(
            self._settings,
            address=main.address,
            port=main.port,
            metrics_address=inspection.address,
            shoal=_command(),
        )
        print(text, flush=True)
        logger.info("ready on %s, metrics on %s", main.address, inspection.address)

    def _told_to_reload(self) -> None:
        """Read the applications again, and have open connections do as they say."""
        try:
            settings = self._reload()
        except ConfigurationError as exc:
            self._metrics.reloads["failed"] += 1
            logger.error("configuration not reloaded, nothing has changed: %s", exc)
            return
        self._metrics.reloads["done"] += 1
        if waiting := settings.changes_since(self._settings):
            logger.warning("changed, and not in force before a restart: %s", ", ".join(waiting))
        if self._stored is not None:
            self._stored.hurry()
            logger.info("applications are being read again from their store")
            return
        self._configured.replace(settings.apps)
        self._apps_changed.set()
        logger.info("configuration reloaded, applications: %d", len(settings.apps))


def _limits(settings: Settings) -> HttpLimits:
    return HttpLimits(
        max_header_bytes=settings.max_header_bytes,
        max_body_bytes=settings.max_body_bytes,
        request_timeout=settings.request_timeout,
        keep_alive_timeout=settings.keep_alive_timeout,
        trusted_hops=settings.trusted_hops,
    )


def _command() -> str:
    """Return how this program was called, for the commands that it suggests."""
    program = Path(sys.argv[0])
    return f"{sys.executable} -m server" if program.name == "__main__.py" else str(program)
