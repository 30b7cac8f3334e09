"""A long list, some at a time: who goes through all connections lets others have a turn in between."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SLICE = 500
"""Connections looked at before others get a turn."""

T = TypeVar("T")


def slices(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield lists of at most :data:`SLICE` items."""
    rest = iter(items)
    while batch := list(islice(rest, SLICE)):
        yield batch
