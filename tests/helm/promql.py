"""What a PromQL expression reads: the metrics it names, and the labels by which it picks among their series."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_METRIC = re.compile(r"\b((?:shoal|process|python)_\w+|up|ALERTS)\b(?:\{([^}]*)\})?")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_IN_QUOTES = re.compile(r'"[^"]*"')

TARGET_LABELS = frozenset({"instance", "job", "namespace", "pod", "alertname", "alertstate"})
"""Labels that Prometheus adds itself."""


def metrics_read(expression: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each metric with the labels that are asked of it; those that Prometheus adds are left out."""
    for name, matchers in _METRIC.findall(_IN_QUOTES.sub('""', expression)):
        yield name, frozenset(_LABEL.findall(matchers)) - TARGET_LABELS
