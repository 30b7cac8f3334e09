"""Which way the arrows point: shells import the hub, the hub imports channels, channels import the protocol.

The tables are the architecture. To change one is a decision, not a repair.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]

# What each of these may import of ours; what isn't in here is a shell, which may import what it needs.
MAY_IMPORT = {
    "adapter.errors": set(),
    "adapter.plain_numbers": set(),
    # These two are one contract on two pages.
    "adapter.base": {"adapter.outbox", "adapter.plain_numbers"},
    "adapter.outbox": {"adapter.base"},
    "adapter.bucket": {"adapter.base"},
    "adapter.local": {
        "adapter.base",
        "adapter.bucket",
        "adapter.errors",
        "adapter.local_outbox",
        "adapter.outbox",
        "adapter.plain_numbers",
    },
    "adapter.local_outbox": {"adapter.base", "adapter.outbox"},
    "adapter.redis": {"adapter.base", "adapter.bucket", "adapter.errors", "adapter.outbox", "adapter.plain_numbers"},
    # The application whose limits a session keeps is a value like those of the protocol itself.
    "server.protocol": {"server.apps"},
    "server.channels": {"server.protocol", "adapter.base"},
    "server.hub": {
        "server.channels",
        "server.protocol",
        "server.apps",
        "server.config",
        "server.metrics",
        "adapter.base",
        "adapter.outbox",
        "adapter.errors",
    },
    # HTTP and sockets, and nothing of Pusher.
    "server.listener": set(),
    # Requests go to the adapter: what they cause comes back to the hub from there.
    "server.throttle": {"server.protocol"},
    "server.api": {
        "server.apps",
        "server.config",
        "server.protocol",
        "server.throttle",
        "adapter.base",
        "adapter.errors",
        "adapter.outbox",
    },
    "server.apps": {"server.origins", "server.quantities"},
    "server.config": {"server.apps", "server.quantities"},
}
WITHOUT_IO = (
    "server.protocol",
    "server.channels",
    "server.lifecycle",
    "adapter.base",
    "adapter.bucket",
    "adapter.errors",
    "adapter.outbox",
    "adapter.plain_numbers",
)
# Of packages that are shells otherwise.
MODULES_WITHOUT_IO = (
    "server.leaving.course",
    "server.leaving.effects",
    "server.leaving.pace",
    "server.hub.holds",
    "server.webhooks.agenda",
    "server.webhooks.batch",
    "server.webhooks.events",
    "server.webhooks.ledger",
    "server.webhooks.line",
)
IO = {
    "asyncio",
    "datetime",
    "http",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "select",
    "selectors",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "uuid",
    "uvloop",
    "websockets",
}
COMPOSITION_ROOT = "server.app"
# From the ground up: at runtime each imports only of those before it, and of the modules beside these packages.
REDIS_FLOORS = ("link", "shard", "primaries", "outbox", "nodes", "allowances")


@cache
def modules() -> dict[str, ast.Module]:
    """Return the source of all that is delivered, by module."""
    paths = [path for package in ("server", "adapter") for path in (ROOT / package).rglob("*.py")]
    return {_module(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def unit(module: str) -> str:
    """Return the package, or the module beside the packages, that a module belongs to."""
    return ".".join(module.split(".")[:2])


def imports(module: str, *, at_runtime: bool = False) -> set[str]:
    """Return what a module imports; with `at_runtime` without what it needs for annotations only."""
    found = set()
    for node in _walk(modules()[module], skip_annotations=at_runtime):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{module}: imports are absolute here"
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (submodules & modules().keys()) or {node.module}
    return found


def _walk(node: ast.AST, *, skip_annotations: bool) -> Iterator[ast.AST]:
    if skip_annotations and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, skip_annotations=skip_annotations)


def imported_units(of: str, *, at_runtime: bool = False) -> set[str]:
    """Return the units of ours that a unit imports."""
    found = {
        unit(name)
        for module in modules()
        if unit(module) == of
        for name in imports(module, at_runtime=at_runtime)
        if name.partition(".")[0] in ("server", "adapter")
    }
    return found - {of}


def test_the_units_in_the_tables_exist() -> None:
    units = {unit(module) for module in modules()}
    assert set(MAY_IMPORT) <= units
    assert set().union(*MAY_IMPORT.values()) <= units
    assert COMPOSITION_ROOT in units


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_arrows_point_inwards(name: str) -> None:
    assert imported_units(name) <= MAY_IMPORT[name]


def test_what_is_allowed_is_needed() -> None:
    unneeded = {name: allowed - imported_units(name) for name, allowed in MAY_IMPORT.items()}
    assert not any(unneeded.values()), unneeded


def test_adapters_know_nothing_of_the_server() -> None:
    for module in modules():
        if module.startswith("adapter"):
            assert not any(name.startswith("server") for name in imports(module)), module


def test_at_runtime_no_two_units_import_each_other() -> None:
    units = {unit(module) for module in modules()}
    arrows = {(a, b) for a in units for b in imported_units(a, at_runtime=True)}
    assert not {(a, b) for a, b in arrows if (b, a) in arrows}


@pytest.mark.parametrize("name", WITHOUT_IO + MODULES_WITHOUT_IO)
def test_the_core_does_no_io(name: str) -> None:
    for module in modules():
        if name in (module, unit(module)):
            used = {imported.partition(".")[0] for imported in imports(module, at_runtime=True)}
            assert not used & IO, module


@pytest.mark.parametrize("floor", REDIS_FLOORS)
def test_the_floors_of_the_redis_adapter_rest_on_those_below(floor: str) -> None:
    package = f"adapter.redis.{floor}."
    used = {name for module in modules() if module.startswith(package) for name in imports(module, at_runtime=True)}
    assert any(module.startswith(package) for module in modules())
    for above in REDIS_FLOORS[REDIS_FLOORS.index(floor) + 1 :]:
        assert not {name for name in used if name.startswith(f"adapter.redis.{above}.")}


def test_only_the_composition_root_names_a_concrete_adapter() -> None:
    concrete = ("adapter.local", "adapter.redis")
    named = {module for module in modules() if any(name.startswith(concrete) for name in imports(module))}
    assert {module for module in named if unit(module) not in concrete} == {COMPOSITION_ROOT}


def test_no_file_is_named_like_a_standard_module() -> None:
    paths = {Path(*module.split(".")).with_suffix(".py") for module in modules()}
    clashing = {path for path in paths if path.stem in sys.stdlib_module_names and path.stem != "__main__"}
    assert not clashing


def test_who_has_no_webhooks_loads_no_http_client() -> None:
    program = "import server.app, server.cli, sys; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60).returncode == 0
