"""The Compose file as Compose reads it, and where the files are that it mounts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
HAPROXY = ROOT / "deploy" / "haproxy.cfg"
PROMETHEUS = ROOT / "deploy" / "prometheus" / "prometheus.yml"
PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"
NODES = ("node-1", "node-2", "node-3")

_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def services(variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the services; ``${NAME:-default}`` is filled in from `variables`."""
    given = variables or {}
    text = _VARIABLE.sub(lambda match: given.get(match[1]) or match[2], COMPOSE.read_text(encoding="utf-8"))
    assert "${" not in text, "a kind of variable that isn't filled in here"
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


def mounts(service: Mapping[str, Any]) -> dict[str, Path]:
    """Return what a service mounts from here: path within the container, path outside."""
    parts = [volume.split(":") for volume in service.get("volumes", []) if volume.startswith("./")]
    assert all(mode == "ro" for _, _, mode in parts)
    return {inside: ROOT / outside for outside, inside, _ in parts}
