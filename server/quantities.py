"""The kinds of number that a setting may be, each with its unit.

A boolean is no number here, although it is one to Python: ``port = true`` is a mistake and not port 1.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts, in words for documentation and error messages."""

    name: str


def _refuse_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("number_type", "must be a number")
    return value


_not_boolean = BeforeValidator(_refuse_boolean)

Count = Annotated[int, _not_boolean, Unit("an integer")]
Bytes = Annotated[int, _not_boolean, Unit("an integer (bytes)")]
Characters = Annotated[int, _not_boolean, Unit("an integer (characters)")]
Seconds = Annotated[float, _not_boolean, Unit("a number (seconds)")]
PerSecond = Annotated[float, _not_boolean, Unit("a number (per second)")]
