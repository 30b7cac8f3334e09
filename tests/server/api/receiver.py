"""A node's receiving end that writes down what an adapter tells it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from adapter.base import Entry, Topic


class Received(NamedTuple):
    """A message, decoded."""

    topic: str
    event: str
    data: str
    sender: str


@dataclass
class Notes:
    """Fulfils :class:`adapter.base.Receiver`."""

    messages: list[Received] = field(default_factory=list)
    terminations: list[str] = field(default_factory=list)

    def message(self, topic: Topic, position: int, payload: bytes, sender: str) -> None:
        message = json.loads(payload)
        assert topic.endswith(f"/{message['channel']}")
        self.messages.append(Received(topic, message["event"], message["data"], sender))

    def terminated(self, topic: Topic, at: float) -> None:
        self.terminations.append(topic)

    def joined(self, topic: Topic, position: int, user: str, info: bytes) -> None: ...
    def left(self, topic: Topic, position: int, user: str) -> None: ...
    def occupied(self, topic: Topic, position: int) -> None: ...
    def vacated(self, topic: Topic, position: int) -> None: ...
    def counted(self, topic: Topic, total: int) -> None: ...
    def resynced(self, topic: Topic, entry: Entry, *, occupied: bool) -> None: ...
