"""An API over an adapter of its own, with two applications, and a back end of the first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest
from pydantic import SecretStr

from adapter.local import LocalAdapter
from server.api import create_api, create_metrics_app
from server.apps import App, Apps
from server.config import Settings
from tests.server.api.back_end import NOW, BackEnd
from tests.server.api.receiver import Notes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from prometheus_client import CollectorRegistry
    from starlette.types import ASGIApp

    from adapter.base import Adapter
    from server.api.application import Api

# The credentials of the reference vectors.
APP = App(id="3", key="278d425bdf160c739803", secret=SecretStr("7ad3773142a6692b25b8"))
OTHER = App(id="4", key="other-key", secret=SecretStr("other-secret"))
LIMITED = App(
    id="6",
    key="limited-key",
    secret=SecretStr("limited-secret"),
    max_backend_events_per_second=10,
    max_reads_per_second=2,
)
DISABLED = App(id="5", key="disabled-key", secret=SecretStr("disabled-secret"), enabled=False)


@dataclass
class Counted:
    """Fulfils :class:`server.api.ApiMetrics`; times are left out."""

    requests: list[tuple[str, int]] = field(default_factory=list)
    publications: list[tuple[str, int, int]] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)

    def request(self, route: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.requests.append((route, status))

    def published(self, app_id: str, seconds: float, events: int, size: int) -> None:
        assert seconds >= 0
        self.publications.append((app_id, events, size))

    def limited(self, app_id: str, what: str) -> None:
        self.refusals.append((app_id, what))


@dataclass
class Now:
    """The adapter's time, which passes when a test says so."""

    seconds: float = 1000.0

    def read(self) -> float:
        return self.seconds


@dataclass
class Life:
    """What a node says of itself."""

    is_ready: bool = True
    is_draining: bool = False


def api_over(adapter: Adapter, metrics: Counted, life: Life | None = None, settings: Settings | None = None) -> Api:
    life = life or Life()
    return create_api(
        apps=Apps([APP, OTHER, DISABLED, LIMITED]),
        adapter=adapter,
        settings=settings or Settings(),
        readiness=lambda: life.is_ready,
        draining=lambda: life.is_draining,
        metrics=metrics,
        clock=lambda: float(NOW),
        steady_clock=lambda: 100.0,
    )


def inspection_of(registry: CollectorRegistry, life: Life | None = None) -> ASGIApp:
    """Return what is on a node's metrics port."""
    life = life or Life()
    return create_metrics_app(readiness=lambda: life.is_ready, draining=lambda: life.is_draining, registry=registry)


def client_of(api: Api | ASGIApp) -> httpx.AsyncClient:
    """Return a client that talks to an API without a socket between them."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url="http://127.0.0.1")


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def life() -> Life:
    return Life()


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
async def adapter(notes: Notes, now: Now) -> AsyncIterator[LocalAdapter]:
    adapter = LocalAdapter(clock=now.read)
    await adapter.start(notes)
    yield adapter
    await adapter.stop()


@pytest.fixture
def api(adapter: LocalAdapter, counted: Counted, life: Life) -> Api:
    return api_over(adapter, counted, life)


@pytest.fixture
async def client(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(api) as client:
        yield client


@pytest.fixture
def back_end(client: httpx.AsyncClient) -> BackEnd:
    return BackEnd(client, APP)
