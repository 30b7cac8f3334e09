from __future__ import annotations

from typing import TYPE_CHECKING

from server.hub.interest import Interest

if TYPE_CHECKING:
    from tests.server.hub.stage import Stage


async def test_a_topic_is_watched_from_its_first_reason_to_its_last(stage: Stage) -> None:
    interest, topic = Interest(stage.adapter), stage.topic("news")
    interest.add(topic)
    interest.add(topic)
    interest.remove(topic)
    assert stage.adapter.watched == {topic}
    interest.remove(topic)
    assert stage.adapter.watched == set()
    interest.add(topic)
    assert stage.adapter.watched == {topic}
