"""Where settings are read from: a TOML file, below the environment, below the command line's flags."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from server.config.problems import ConfigurationError, Origin, describe
from server.config.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "SHOAL_"
_CONFIG = "SHOAL_CONFIG"

# Kubernetes describes each Service to the containers beside it. One called shoal, or shoal-metrics, arrives under our
# prefix, and SHOAL_METRICS_PORT=tcp://10.0.0.1:9601 even under the name of a setting.
_KUBERNETES_NAME = re.compile(r"SHOAL_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
_KUBERNETES_PORT = re.compile(r"(tcp|udp|sctp)://")

# The URLs of Sentinel and Redis Cluster have commas between their hosts: another URL begins with a scheme.
_BETWEEN_URLS = re.compile(r",\s*(?=[a-z+]+://)")


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings in effect, and where each that isn't a default came from."""

    settings: Settings
    origins: Mapping[str, Origin]


@dataclass(frozen=True, slots=True)
class _Given:
    value: Any
    origin: Origin


def load_settings(*, config: Path | None, flags: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """Read the settings from all sources.

    :param config: the file; None for the one that ``SHOAL_CONFIG`` names, if any.
    :param flags: by name of setting; None for those that weren't given.
    :raises ConfigurationError: if any of them can't be used.
    """
    return read_configuration(config=config, flags=flags, environ=environ).settings


def read_configuration(
    *, config: Path | None, flags: Mapping[str, object], environ: Mapping[str, str]
) -> Configuration:
    """Read the settings as :func:`load_settings` does, and keep where they came from."""
    if config is None and environ.get(_CONFIG):
        config = Path(environ[_CONFIG])
    given = (_from_file(config) if config else {}) | _from_environment(environ) | _from_flags(flags)
    origins = {key: item.origin for key, item in given.items()}
    try:
        settings = Settings.model_validate({key: item.value for key, item in given.items()})
    except ValidationError as exc:
        # Without its cause: that would carry the values, secrets among them, into a traceback.
        raise ConfigurationError(*[describe(error, origins) for error in exc.errors()]) from None
    return Configuration(settings, origins)


def _from_file(path: Path) -> dict[str, _Given]:
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as exc:
        raise ConfigurationError(f"file {path}: can't be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigurationError(f"file {path}: is not UTF-8 (byte {exc.start})") from None
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(f"file {path}: is not TOML: {exc}") from None
    return {key: _Given(value, Origin("file", path)) for key, value in table.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    """An empty variable counts as not set, since compose files and charts pass those on."""
    return {
        name.removeprefix(_PREFIX).lower(): _Given(_parsed(name, text), Origin("environment"))
        for name, text in environ.items()
        if name.startswith(_PREFIX) and name != _CONFIG and text and not _is_from_kubernetes(name, text)
    }


def _is_from_kubernetes(name: str, text: str) -> bool:
    return bool(_KUBERNETES_NAME.fullmatch(name) or (name.endswith("_PORT") and _KUBERNETES_PORT.match(text)))


def _parsed(name: str, text: str) -> object:
    match name:
        case "SHOAL_APPS":
            return _parsed_json(name, text)
        case "SHOAL_REDIS":
            return [url.strip(" ,") for url in _BETWEEN_URLS.split(text) if url.strip(" ,")]
        case _:
            return text


def _parsed_json(name: str, text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as exc:
        raise ConfigurationError(
            f"environment variable {name}: is not JSON: {exc.msg} (line {exc.lineno}, column {exc.colno}); "
            'write [{"id": "...", "key": "...", "secret": "..."}]'
        ) from None
    except RecursionError:
        raise ConfigurationError(f"environment variable {name}: is nested too deeply") from None


def _from_flags(flags: Mapping[str, object]) -> dict[str, _Given]:
    return {key: _Given(value, Origin("flag")) for key, value in flags.items() if value is not None}
