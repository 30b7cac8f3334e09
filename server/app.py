"""Puts a node together from its settings: the only place that knows which adapter it has."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

import uvloop

from adapter.errors import AdapterError
from adapter.local import LocalAdapter
from adapter.outbox import OutboxOptions
from adapter.redis import RedisAdapter, RedisOptions
from server import __version__
from server.apps.errors import StoreMisconfigured
from server.apps.opening import open_store
from server.config import ConfigurationError, Settings
from server.listener import TlsError, tls_context
from server.node import Node, Parts
from server.process.open_files import allow_open_files

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from adapter.base import Adapter

logger = logging.getLogger(__name__)


def run(settings: Settings, *, reload: Callable[[], Settings]) -> int:
    """Run a node until it is told to stop; return the exit status.

    :param reload: reads the configuration again, from where `settings` came from.
    """
    if problem := allow_open_files(settings.max_connections):
        logger.warning("%s", problem)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(settings, reload))


async def _run(settings: Settings, reload: Callable[[], Settings]) -> int:
    try:
        parts = make_parts(settings)
    except ConfigurationError as exc:
        logger.error("%s", exc)
        return 2
    return await Node(settings, parts, reload).run()


def make_parts(settings: Settings) -> Parts:
    """Return what a node is put together from.

    :raises ConfigurationError: if the settings can't mean any, whatever is there.
    """
    try:
        return Parts(
            adapter=_adapter(settings),
            store=None if settings.store_options is None else open_store(settings.store_options),
            tls=_tls(settings),
        )
    except (AdapterError, StoreMisconfigured, TlsError) as exc:
        raise ConfigurationError(str(exc)) from None


def _adapter(settings: Settings) -> Adapter:
    if not settings.redis:
        return LocalAdapter(name=_node_name(settings), version=__version__, outbox=_outbox(settings))
    options = RedisOptions(
        prefix=settings.redis_prefix,
        connect_timeout=settings.redis_connect_timeout,
        answer_timeout=settings.redis_answer_timeout,
        patience=settings.redis_patience,
        sign_off_timeout=settings.sign_off_timeout,
        node=_node_name(settings),
        version=__version__,
        outbox=_outbox(settings),
    )
    return RedisAdapter(settings.redis, options)


def _outbox(settings: Settings) -> OutboxOptions:
    return OutboxOptions(
        debounce=settings.webhook_debounce,
        most=settings.webhook_outbox,
        most_buried=settings.webhook_failed,
        keep_buried=settings.webhook_failed_lifetime,
    )


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    return tls_context(settings.tls_certificate, settings.tls_key)


def _node_name(settings: Settings) -> str:
    return settings.node_name or socket.gethostname()
