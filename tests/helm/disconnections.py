"""How often a deploy disconnects each client, by strategy: the table in docs/deploying.md, worked out.

A model, not a measurement: every client comes back at once, as many as left, and the balancer is perfect.
``python -m tests.helm.disconnections`` writes the table again, between its marks.
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "deploying.md"
SIZES = (2, 3, 4, 5, 10, 20)
_MARKED = re.compile(r"(<!-- begin disconnections -->\n).*?(<!-- end disconnections -->)", re.DOTALL)


class Balance(Enum):
    """To which of the nodes a balancer sends who comes."""

    AT_RANDOM = "at random"
    LEAST = "to the emptiest"


def poured(loads: list[float], amount: float, balance: Balance) -> list[float]:
    """Return the loads of nodes when this much has come to them."""
    if balance is Balance.AT_RANDOM:
        return [load + amount / len(loads) for load in loads]
    level = _level(sorted(loads), amount)
    return [max(load, level) for load in loads]


def _level(loads: list[float], amount: float) -> float:
    """Return the height to which `amount` fills the emptiest of `loads`, which are in order."""
    below = 0.0
    for count, load in enumerate(loads, 1):
        below += load
        level = (below + amount) / count
        if count == len(loads) or level <= loads[count]:
            return level
    raise AssertionError("the last one takes the rest")


def surged(nodes: int, surge: int, balance: Balance) -> tuple[float, list[float]]:
    """Replace nodes, `surge` at a time, the new ones first: disconnections a client, and the new nodes' loads."""
    old, new, moved = [1.0] * nodes, [0.0] * 0, 0.0
    while old:
        going, old = old[:surge], old[surge:]
        moved += sum(going)
        loads = poured(old + new + [0.0] * len(going), sum(going), balance)
        old, new = loads[: len(old)], loads[len(old) :]
    return moved / nodes, new


def in_place(nodes: int, balance: Balance) -> float:
    """Replace each node where it is, one after the other: disconnections a client."""
    loads, moved = [1.0] * nodes, 0.0
    for _ in range(nodes):
        going, *others = loads
        moved += going
        loads = [*poured(others, going, balance), 0.0]
    return moved / nodes


def rows() -> list[str]:
    """Return the rows of the table, heading and all."""
    told: dict[str, list[str]] = {
        "`maxSurge: 100%`, clients go at random": [f"{surged(k, k, Balance.AT_RANDOM)[0]:.2f}" for k in SIZES],
        "`maxSurge: 1`, to the emptiest": [f"{surged(k, 1, Balance.LEAST)[0]:.2f}" for k in SIZES],
        "`maxSurge: 1`, at random": [f"{surged(k, 1, Balance.AT_RANDOM)[0]:.2f}" for k in SIZES],
        "… load of the first and the last new node": [_extremes(surged(k, 1, Balance.AT_RANDOM)[1]) for k in SIZES],
        "in place (Compose), to the emptiest": [f"{in_place(k, Balance.LEAST):.2f}" for k in SIZES],
        "in place, at random": [f"{in_place(k, Balance.AT_RANDOM):.2f}" for k in SIZES],
    }
    head = ["| nodes | " + " | ".join(map(str, SIZES)) + " |", "|---" * (len(SIZES) + 1) + "|"]
    return head + [f"| {strategy} | {' | '.join(cells)} |" for strategy, cells in told.items()]


def _extremes(loads: list[float]) -> str:
    return f"{max(loads):.2f} / {min(loads):.2f}"


def refreshed(page: str) -> str:
    """Return the page with its table as it has to be."""
    return _MARKED.sub(lambda match: match[1] + "\n".join(rows()) + "\n" + match[2], page)


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
