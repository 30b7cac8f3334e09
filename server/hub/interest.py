"""Which topics this node watches, and for how many reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapter.base import Adapter, Topic


class Interest:
    """Watches a topic from its first reason (a channel, a signed-in user, somebody watching a user) to its last."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        # Invariant: the adapter watches exactly the keys; no value is 0.
        self._reasons: dict[Topic, int] = {}

    def add(self, topic: Topic) -> None:
        reasons = self._reasons.get(topic, 0)
        self._reasons[topic] = reasons + 1
        if not reasons:
            self._adapter.watch(topic)

    def remove(self, topic: Topic) -> None:
        reasons = self._reasons[topic] - 1
        if reasons:
            self._reasons[topic] = reasons
        else:
            del self._reasons[topic]
            self._adapter.unwatch(topic)
