"""docs/limits.md has every limit, with its default, and every reason that is counted."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from server.apps import App
from server.config import Settings
from server.protocol import codes
from server.protocol.codes import Close

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
# Buffers and times of slow clients, which configuration.md has together; and what isn't a limit but a time for leaving.
ELSEWHERE = {"max_node_buffer_bytes"}
LIMITS = {
    name: field.default
    for model in (Settings, App)
    for name, field in model.model_fields.items()
    if name.startswith("max_") or name.endswith("_per_ip")
}


def row_of(name: str) -> str:
    return next((line for line in PAGE.splitlines() if line.startswith(f"| `{name}`")), "")


@pytest.mark.parametrize("name", sorted(LIMITS.keys() - ELSEWHERE))
def test_the_page_has_each_limit(name: str) -> None:
    assert row_of(name), f"{name} is missing"


@pytest.mark.parametrize("name", sorted(set(App.model_fields) & LIMITS.keys()))
def test_the_page_has_the_default_of_each_limit_of_an_application(name: str) -> None:
    default = App.model_fields[name].default
    cell = row_of(name).split("|")[2]
    assert cell.split()[0].strip(",") == ("none" if default is None else f"{default:,}"), cell


def test_the_page_has_each_reason_for_which_a_handshake_is_refused() -> None:
    closes = [value for value in vars(codes).values() if isinstance(value, Close)]
    labels = {close.label for close in closes} | {codes.unknown_app("k").label, "no_handshake"}
    after = {"unauthorized", "terminated", "slow_consumer", "leaving", "no_pong"}
    assert labels - after == words_after("Handshakes:")


def test_the_page_has_each_reason_for_which_a_message_is_refused() -> None:
    # Those are written where it is decided: as what a refusal begins with.
    used = {
        reason
        for path in ("server/protocol/session.py", "server/hub/hub.py")
        for reason in reasons_in(ast.parse((ROOT / path).read_text(encoding="utf-8")))
    }
    assert used == words_after("Messages:")


def words_after(start: str) -> set[str]:
    """Return what is between backquotes in the paragraph that begins so."""
    (paragraph,) = [text for text in PAGE.split("\n\n") if text.startswith(start)]
    return set(re.findall(r"`([a-z_]+)`", paragraph))


def reasons_in(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = {"Refuse": 0, "_refuse_subscription": 2}.get(node.func.id)
            if place is not None and isinstance(node.args[place], ast.Constant):
                found.add(str(node.args[place].value))  # type: ignore[attr-defined]
        elif isinstance(node, ast.FunctionDef) and node.name == "_why_not_relay":
            returned = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
            found |= {str(value.elts[0].value) for value in returned if isinstance(value, ast.Tuple)}  # type: ignore[attr-defined]
    return found
