"""The tables of docs/configuration.md, made from the settings themselves.

``python -m server.config.reference docs/configuration.md`` writes them again, each between two marks.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic_core import PydanticUndefined

from server.apps import App, Webhook
from server.config.allowed import allowed_values
from server.config.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

_MARKED = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)

# Which heading begins at which setting; those that follow belong to it too.
_SETTINGS_HEADINGS = {
    "host": "Listening",
    "redis": "Nodes and applications",
    "app_store": "Stores of applications",
    "activity_timeout": "Times",
    "backlog": "Limits of a node",
    "max_node_buffer_bytes": "Slow clients and memory",
    "hold_leaving": "Presence of those who come back",
    "settle": "Leaving",
    "webhook_timeout": "Webhooks",
    "log_level": "Logs",
}
_APP_HEADINGS = {"id": "Credentials", "client_events": "Features", "max_subscriptions": "Limits of an application"}


def refreshed(text: str) -> str:
    """Return the page with its tables as they have to be now."""
    tables = {
        "settings": _sections(Settings.model_fields, _SETTINGS_HEADINGS),
        "apps": _sections(App.model_fields, _APP_HEADINGS),
        "webhooks": _sections(Webhook.model_fields, {"url": "Where and what"}),
    }
    return _MARKED.sub(lambda match: f"{match[1]}{tables[match[2]]}\n{match[3]}", text)


def _sections(fields: Mapping[str, FieldInfo], headings: Mapping[str, str]) -> str:
    lines: list[str] = []
    for key, field in fields.items():
        if key in headings:
            lines += ["", f"### {headings[key]}", "", "| key | default | allowed | meaning |", "|---|---|---|---|"]
        lines.append(f"| `{key}` | {_default(field)} | {allowed_values(field)} | {field.description} |")
    return "\n".join([*lines, ""])


def _default(field: FieldInfo) -> str:
    default = field.default
    if field.default_factory is not None or default == "":
        return "none"
    if default is PydanticUndefined:
        return "*required*"
    if default is None or default == ():
        return "none"
    if isinstance(default, tuple):
        return "the demo application"
    return f"`{json.dumps(default)}`"


def main() -> None:
    """Write the tables of the page that the only argument names."""
    page = Path(sys.argv[1])
    page.write_text(refreshed(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
