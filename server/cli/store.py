"""The store of applications, for commands: opened, asked, and closed again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from server.apps.errors import StoreError, StoreMisconfigured
from server.apps.opening import open_store
from server.cli.failures import fail
from server.config import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from server.apps.options import StoreOptions
    from server.apps.store import EditableStore
    from server.config import Settings

T = TypeVar("T")


def store_of(settings: Settings) -> StoreOptions:
    """Return where applications are kept.

    :raises ConfigurationError: if that is the configuration itself.
    """
    if settings.store_options is None:
        raise ConfigurationError(
            "app_store = config: the applications are in the configuration, where these commands change nothing; "
            "edit it and send the nodes SIGHUP"
        )
    return settings.store_options


def with_store(options: StoreOptions, work: Callable[[EditableStore], Awaitable[T]]) -> T:
    """Return what comes of some work with the store; where it fails, say why and exit.

    :raises ConfigurationError: if there can't be such a store.
    """
    try:
        return asyncio.run(_with_store(options, work))
    except StoreMisconfigured as exc:
        raise ConfigurationError(str(exc)) from None
    except StoreError as exc:
        fail(str(exc))


async def _with_store(options: StoreOptions, work: Callable[[EditableStore], Awaitable[T]]) -> T:
    store = open_store(options)
    try:
        return await work(store)
    finally:
        await store.close()
