"""What a user of Redis must be permitted for a node to work, as docs/cluster.md lists it."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "cluster.md"
_RULES = re.compile(r"^    (user shoal .*?)\n\n", re.MULTILINE | re.DOTALL)
_PASSWORD = ">PASSWORD"


def rules() -> list[str]:
    """Return the rules of the page, word by word, without the user and the password."""
    (text,) = _RULES.findall(PAGE.read_text(encoding="utf-8"))
    return [word for word in text.replace("\\\n", " ").split()[2:] if word != _PASSWORD]


def commands() -> list[str]:
    """Return the commands that are permitted one by one."""
    return [word[1:] for word in rules() if word.startswith("+")]
