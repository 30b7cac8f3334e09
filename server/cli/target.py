"""Which server, and which of its applications, a command is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from server.cli.store import with_store
from server.config import ConfigurationError, Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path
    from urllib.parse import SplitResult

    from server.apps import App

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the flags said; None where they said nothing."""

    url: str | None = None
    app_id: str | None = None
    key: str | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and the credentials of one application."""

    authority: str
    """Host, port and the path before the protocol's own, if any."""
    is_tls: bool
    app_id: str
    key: str
    secret: bytes

    @property
    def http_url(self) -> str:
        """The base of the HTTP API."""
        return f"http{'s' if self.is_tls else ''}://{self.authority}"

    @property
    def websocket_url(self) -> str:
        """The base of WebSocket connections."""
        return f"ws{'s' if self.is_tls else ''}://{self.authority}"


def find_target(choice: Choice, *, config: Path | None, environ: Mapping[str, str]) -> Target:
    """Complete what the flags said by the configuration.

    :raises ConfigurationError: if that can't be used, or has no such application.
    """
    match choice:
        case Choice(str(url), str(app_id), str(key), str(secret)):
            return _target(url, app_id, key, secret.encode())
    settings = load_settings(config=config, flags={}, environ=environ)
    app = _chosen_app(_known_apps(settings, choice), choice)
    secret_bytes = app.secret_bytes if choice.secret is None else choice.secret.encode()
    return _target(choice.url or _configured_url(settings), app.id, app.key, secret_bytes)


def _target(url: str, app_id: str, key: str, secret: bytes) -> Target:
    parts = _parts(url, {"http", "https", "ws", "wss"})
    return Target(parts.netloc + parts.path.rstrip("/"), parts.scheme in {"https", "wss"}, app_id, key, secret)


def _parts(url: str, schemes: AbstractSet[str]) -> SplitResult:
    """:raises ConfigurationError: if a flag's URL names no server."""
    try:
        parts = urlsplit(url)
        is_known = parts.scheme in schemes and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, a bracket left open
        is_known = False
    if not is_known:
        raise ConfigurationError(f"--url {url}: write http://HOST:PORT or https://HOST:PORT")
    return parts


def metrics_url(settings: Settings, given: str | None) -> str:
    """Return where a node has its metrics, and listens to operators: as the flag says, else as its settings do.

    :raises ConfigurationError: if the flag names no server.
    """
    if given is not None:
        _parts(given, {"http", "https"})
        return given.rstrip("/")
    return f"http://{_reachable(settings.metrics_host or settings.host)}:{settings.metrics_port}"


def _reachable(host: str) -> str:
    host = _EVERYWHERE.get(host, host)
    return f"[{host}]" if ":" in host else host


def _configured_url(settings: Settings) -> str:
    if settings.unix_socket is not None:
        raise ConfigurationError(f"the server listens on {settings.unix_socket}: name a proxy of it with --url")
    scheme = "http" if settings.tls_certificate is None else "https"
    return f"{scheme}://{_reachable(settings.host)}:{settings.port}"


def _known_apps(settings: Settings, choice: Choice) -> Sequence[App]:
    """Return the applications to choose from: of a store that may have many only those that can be meant."""
    options = settings.store_options
    if options is None:
        return settings.apps
    if choice.app_id is None and choice.key is None:
        raise ConfigurationError("applications are in a store: say with --app-id or --key which of them")
    if choice.app_id is not None:
        app_id = choice.app_id
        return with_store(options, lambda store: store.fetch([app_id])).apps
    key = choice.key or ""
    return with_store(options, lambda store: store.find([key])).apps


def _chosen_app(apps: Sequence[App], choice: Choice) -> App:
    for app in apps:
        if choice.app_id in {None, app.id} and choice.key in {None, app.key}:
            return app
    wanted = " and ".join(f"{what} {value!r}" for what, value in (("id", choice.app_id), ("key", choice.key)) if value)
    known = ", ".join(f"{app.id} (key {app.key})" for app in apps)
    raise ConfigurationError(f"no application with {wanted} is configured" + (f", only {known}" if known else ""))
