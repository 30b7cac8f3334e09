"""What happened, and when: the only thing that verdicts are made from.

Times are seconds since the epoch, the same clock for all processes of this machine. Fleets write one record a line, as
a JSON array that begins with the record's name in lower case.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import msgspec


class Record(msgspec.Struct, frozen=True, array_like=True, tag=str.lower):
    """Something that happened."""

    at: float


class Attempt(Record, frozen=True):
    """A client began to connect."""

    client: str


class Failed(Record, frozen=True):
    """An attempt came to nothing."""

    client: str
    how: str
    """``refused``, ``cut off``, ``silence``, ``status 503``, or the code it was closed with, such as ``4100``."""


class Established(Record, frozen=True):
    """A client was greeted."""

    client: str


class Subscribed(Record, frozen=True):
    """A client's subscription was confirmed."""

    client: str
    channel: str
    members: tuple[str, ...] | None
    """The roster that it was given, in presence channels."""


class Received(Record, frozen=True):
    """A client received a numbered event."""

    client: str
    channel: str
    number: int


class Announced(Record, frozen=True):
    """A client was told that a member was added, or removed."""

    client: str
    channel: str
    user: str
    is_added: bool


class Closed(Record, frozen=True):
    """An established connection was ended by the other side; 1006 if without a close frame."""

    client: str
    code: int


class Left(Record, frozen=True):
    """A client ended its connection itself."""

    client: str


class Stalled(Record, frozen=True):
    """A fleet's process had not run for a while: what happened in it, it saw only now, and all at once."""

    seconds: float


class Published(Record, frozen=True):
    """A numbered event was sent to the HTTP API at this time."""

    answered_at: float
    channel: str
    number: int
    status: int
    """0 if no answer came."""


class Told(Record, frozen=True):
    """A node was sent SIGTERM."""

    node: str


class Killed(Record, frozen=True):
    """A node was sent SIGKILL."""

    node: str


class Delisted(Record, frozen=True):
    """The balancer was told to send nobody to a node any more."""

    node: str


class Exited(Record, frozen=True):
    """A node ended."""

    node: str
    status: int


class Complained(Record, frozen=True):
    """A node logged an error."""

    node: str
    line: str


class Listed(Record, frozen=True):
    """A node was asked for the members of a channel."""

    node: str
    channel: str
    users: tuple[str, ...]


class Began(Record, frozen=True):
    """All clients were there; from now on it counts."""


class Over(Record, frozen=True):
    """Everything that was to come had the time to come; from now on nothing counts."""


AnyRecord: TypeAlias = (
    Attempt
    | Failed
    | Established
    | Subscribed
    | Received
    | Announced
    | Closed
    | Left
    | Stalled
    | Published
    | Told
    | Killed
    | Delisted
    | Exited
    | Complained
    | Listed
    | Began
    | Over
)
Kind = TypeVar("Kind", bound=Record)

_decoder = msgspec.json.Decoder(AnyRecord)
encode_record = msgspec.json.Encoder().encode


def decode_record(line: bytes) -> AnyRecord:
    """Return the record that a line is.

    :raises msgspec.ValidationError: if it is none.
    """
    record: AnyRecord = _decoder.decode(line)
    return record


class Log:
    """All records of one run."""

    def __init__(self, records: list[AnyRecord] | None = None) -> None:
        self._records = records or []

    def add(self, record: AnyRecord) -> None:
        self._records.append(record)

    def records(self) -> list[AnyRecord]:
        """Return them in the order in which they happened."""
        return sorted(self._records, key=lambda record: record.at)

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Return those of one kind, in order."""
        return [record for record in self.records() if isinstance(record, kind)]
