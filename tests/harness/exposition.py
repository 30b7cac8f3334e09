"""Metrics in Prometheus' text format, one sample at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Sample:
    """One number, with the name and the labels under which it is exposed."""

    name: str
    labels: Mapping[str, str]
    value: float

    @property
    def text(self) -> str:
        """Name and labels, sorted, as the format writes them."""
        labels = ",".join(f'{name}="{value}"' for name, value in sorted(self.labels.items()))
        return f"{self.name}{{{labels}}}" if labels else self.name

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        """Tell whether it has this name and at least these labels."""
        return self.name == name and labels.items() <= dict(self.labels).items()


def parse_metrics(text: str) -> list[Sample]:
    """Return the samples of an exposition, in its order."""
    families = text_string_to_metric_families(text)
    return [Sample(sample.name, sample.labels, sample.value) for family in families for sample in family.samples]
