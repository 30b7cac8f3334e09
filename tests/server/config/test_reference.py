"""What is written about settings is true: the page, the example, and the list of flags."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

from server.apps import App, Webhook
from server.cli.serve import serve
from server.config import Settings, load_settings
from server.config.reference import refreshed

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "shoal.example.toml"


def test_page_has_every_setting_as_it_is() -> None:
    assert refreshed(PAGE) == PAGE, "run: python -m server.config.reference docs/configuration.md"


def test_page_has_a_row_for_each_setting_of_nodes_and_apps() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert rows == [*Settings.model_fields, *App.model_fields, *Webhook.model_fields]


def test_tables_are_made_anew_between_their_marks() -> None:
    stale = "before\n<!-- begin apps -->\n| `gone` |\n<!-- end apps -->\nafter\n"
    text = refreshed(stale)
    assert text.startswith("before\n<!-- begin apps -->\n\n### Credentials\n")
    assert text.endswith("\n<!-- end apps -->\nafter\n")
    assert "gone" not in text


def test_page_lists_the_flags() -> None:
    paragraph = PAGE.partition("Flags of `shoal serve`: ")[2].partition("\n\n")[0]
    listed = [flag.removeprefix("--").replace("-", "_") for flag in re.findall(r"`(--[a-z-]+)`", paragraph)]
    parameters = [name for name in inspect.signature(serve).parameters if name not in {"ctx", "config"}]
    assert listed == parameters


def test_every_flag_is_a_setting() -> None:
    assert inspect.signature(serve).parameters.keys() - {"ctx", "config"} <= Settings.model_fields.keys()


def test_example_is_a_good_configuration() -> None:
    assert [app.id for app in load_settings(config=EXAMPLE, flags={}, environ={}).apps] == ["1", "2"]


def test_what_the_example_leaves_out_are_defaults() -> None:
    top, *_ = EXAMPLE.read_text(encoding="utf-8").partition("[[apps]]")
    shown = tomllib.loads("\n".join(re.findall(r"^#(\w+ = .*)$", top, re.MULTILINE)))
    examples = {"tls_certificate", "tls_key"}
    assert len(shown) > len(examples)
    assert {key: getattr(Settings(), key) for key in shown.keys() - examples} == {
        key: value for key, value in shown.items() if key not in examples
    }
